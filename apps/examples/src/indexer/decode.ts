import { isUtf8 } from 'node:buffer'

/** How the bytes of a file were read as text. */
export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1'

/** The text of a file. */
export interface Decoded {
  readonly text: string
  readonly encoding: Encoding
}

/** As far as `git` looks for a zero byte. */
const sniffedBytes = 8000

/**
 * Reads bytes as text: UTF-8, UTF-16 where its mark says so, else latin1, in which every byte is a character.
 * Undefined where the file is binary: a zero byte near its beginning.
 */
export function decode(bytes: Uint8Array): Decoded | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decodeAs('utf-16le', bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return decodeAs('utf-16be', bytes)
  if (bytes.subarray(0, sniffedBytes).includes(0)) return undefined
  if (isUtf8(bytes)) return decodeAs('utf-8', bytes)
  return { text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'), encoding: 'latin1' }
}

function decodeAs(encoding: Exclude<Encoding, 'latin1'>, bytes: Uint8Array): Decoded {
  return { text: new TextDecoder(encoding).decode(bytes), encoding }
}
