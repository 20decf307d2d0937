import type { Writable } from 'node:stream'
import { styleText } from 'node:util'

/** Styles text for one stream. Without colours each function gives the text as it is. */
export interface Paint {
  readonly hasColors: boolean
  readonly strong: (text: string) => string
  readonly faint: (text: string) => string
  readonly good: (text: string) => string
  readonly warning: (text: string) => string
  readonly bad: (text: string) => string
  /** What was searched for. Marked with «» where there are no colours. */
  readonly found: (text: string) => string
}

type TerminalStream = Writable & { readonly isTTY?: boolean; hasColors?(env?: object): boolean }

/** Colours where the stream is a terminal that has them, and `NO_COLOR` is not set to anything. */
export function paintFor(stream: TerminalStream, env: NodeJS.ProcessEnv): Paint {
  const hasColors = stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb' && (stream.hasColors?.(env) ?? false)
  const style = (format: Parameters<typeof styleText>[0]) => {
    return (text: string): string => (hasColors ? styleText(format, text, { validateStream: false }) : text)
  }
  const found = style(['bold', 'yellow'])
  return {
    hasColors,
    strong: style('bold'),
    faint: style('dim'),
    good: style('green'),
    warning: style('yellow'),
    bad: style('red'),
    found: (text) => (hasColors ? found(text) : `«${text}»`),
  }
}
