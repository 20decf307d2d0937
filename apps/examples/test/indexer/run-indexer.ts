import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../src/indexer/main.ts', import.meta.url))

/** How a run of the program ended, and what it said. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** One line of `--json`. */
export interface JsonEvent {
  readonly event: string
  readonly [field: string]: unknown
}

/** Runs the program in a process of its own. */
export function runIndexer(...args: string[]): Promise<Outcome> {
  return runIndexerIn({}, ...args)
}

/** The same with some more variables in its environment. */
export async function runIndexerIn(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Outcome> {
  const child = start(args, env)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, stdout, stderr }
}

/** Runs the program with `--json`, and lets `onEvent` answer each line with a signal. */
export async function watchIndexer(
  args: string[],
  onEvent: (event: JsonEvent) => NodeJS.Signals | undefined,
): Promise<{ code: number | null; events: JsonEvent[] }> {
  const child = start([...args, '--json'])
  const closed = once(child, 'close')
  const events: JsonEvent[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as JsonEvent
    events.push(event)
    const signal = onEvent(event)
    if (signal !== undefined) child.kill(signal)
  }
  await closed
  return { code: child.exitCode, events }
}

/** The events that a `--json` run printed. */
export function eventsOf({ stdout }: Outcome): JsonEvent[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JsonEvent)
}

function start(args: string[], env: NodeJS.ProcessEnv = {}): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [...process.execArgv, program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
}

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
