import type { Worker } from 'node:worker_threads'
import type { ThreadHolder } from './thread-holder.ts'
import type { Wire } from './wire.ts'

/** One thread, from its start to its end. */
export interface ThreadLife {
  readonly thread: Worker
  readonly wire: Wire
  /** Resolves when it serves tasks, or never will. */
  readonly standing: Promise<void>
  readonly exited: Promise<void>
  serves: boolean
  exitCode: number | undefined
  cause: unknown
  /** Why we ended it, where we did. */
  endedFor: string | undefined
}

/** Has a thread serve tasks. `onExit` is called when it has ended, however that came. */
export const startLife = (holder: ThreadHolder, thread: Worker, wire: Wire, onExit: (life: ThreadLife) => void): ThreadLife => {
  let exited: () => void = () => {}
  let stands: () => void = () => {}
  const life: ThreadLife = {
    thread,
    wire,
    serves: false,
    exitCode: undefined,
    cause: undefined,
    endedFor: undefined,
    standing: new Promise((resolve) => (stands = resolve)),
    exited: new Promise((resolve) => (exited = resolve)),
  }
  thread.prependListener('exit', (code) => {
    life.exitCode = code
  })
  thread.on('error', (error) => {
    // A library may tell itself of an exit by an error of its own making.
    if (life.exitCode === undefined) life.cause ??= error
  })
  thread.on('exit', () => {
    stands()
    onExit(life)
    exited()
  })
  holder.serve(wire.start, [wire.start.port]).then(
    () => {
      life.serves = true
      stands()
    },
    (error: unknown) => {
      // The thread lives but cannot serve: its entry could not be loaded.
      life.cause ??= error
      if (life.exitCode === undefined) void thread.terminate()
    },
  )
  return life
}
