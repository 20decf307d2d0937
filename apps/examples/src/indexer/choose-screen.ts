import type { WriteStream } from 'node:tty'
import { JsonScreen } from './json-screen.ts'
import { paintFor } from './paint.ts'
import { PlainScreen } from './plain-screen.ts'
import { QuietScreen } from './quiet-screen.ts'
import type { Screen } from './screen.ts'
import { TerminalScreen } from './terminal-screen.ts'

/** What the user gets to see, by the options and by where it goes. */
export function chooseScreen(options: { readonly json: boolean; readonly quiet: boolean }, process: NodeJS.Process): Screen {
  const { stdout, stderr, env } = process
  if (options.json) return new JsonScreen(stdout)
  if (options.quiet) return new QuietScreen(stderr)
  const outputPaint = paintFor(stdout, env)
  if (!stderr.isTTY || env['TERM'] === 'dumb') return new PlainScreen(stderr, stdout, outputPaint)
  return new TerminalScreen(stderr as WriteStream, stdout, paintFor(stderr, env), outputPaint)
}
