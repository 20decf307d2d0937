const sizes = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const

/** A number of bytes as people read it: `512 bytes`, `34.2 MB`. Powers of 1000. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.95 && unit < sizes.length - 1) {
    value /= 1000
    unit += 1
  }
  return unit === 0 ? `${Math.round(value)} bytes` : `${value.toFixed(1)} ${sizes[unit]}`
}

/** A whole number with its thousands set apart: `12,345`. The same in every locale, so that output can be compared. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(?:\d{3})+$)/g, ',')
}

/** A span of time in milliseconds, as a clock shows it: `0:07`, `12:30`, `1:02:03`. */
export function formatClock(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const pad = (part: number): string => String(part).padStart(2, '0')
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}:${pad(seconds % 60)}`
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(seconds % 60)}`
}

/** `1 file`, `2,000 files`. */
export function formatFiles(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'file' : 'files'}`
}

/**
 * Reads a size as people write it: `500000`, `500kB`, `2 MB`, `1.5G`. Powers of 1000, in bytes.
 * Undefined where the text is no size.
 */
export function parseBytes(text: string): number | undefined {
  const found = /^\s*(\d+(?:\.\d+)?)\s*(?:([kmg])b?|b|bytes)?\s*$/i.exec(text)
  if (found === null) return undefined
  const power = found[2] === undefined ? 0 : ' kmg'.indexOf(found[2].toLowerCase())
  return Math.round(Number(found[1]) * 1000 ** power)
}
