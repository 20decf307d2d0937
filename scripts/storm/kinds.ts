import { type BoundTask, type PostOptions, taskModule } from '@posttask/core'
import type { Random } from './random.ts'

/** How a task ended: with a value, or with an error, which may be `undefined` or null. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** What a kind of task does, how it must end, and how often it may start. */
export interface Kind {
  /** In a thousand. */
  readonly weight: number
  readonly task: (memory: SharedArrayBuffer, id: number) => BoundTask
  readonly options?: (random: Random, task: BoundTask) => PostOptions
  readonly isRight: (outcome: Outcome, id: number, task: BoundTask) => boolean
  readonly starts: readonly number[]
}

type Stub = (...args: readonly unknown[]) => BoundTask

const stubsOf = (file: string): Record<string, Stub> =>
  taskModule<Record<string, (...args: never[]) => unknown>>(new URL(file, import.meta.url)) as unknown as Record<string, Stub>

/** The functions of tasks.js. */
export const tasks: Record<string, Stub> = stubsOf('./tasks.js')
const throwing = stubsOf('./throwing.js')
const absent = stubsOf('./absent.js')

const stub = (name: string): Stub => tasks[name] as Stub

/** What `act` is to do. */
type Deed = 'ok' | 'text' | 'fail' | 'failWithNull' | 'busy' | 'returnFunction' | 'leaveThrow' | 'leaveRejection'
type EndlessDeed = 'exit' | 'spin' | 'eatMemory' | 'throwOutside'

/** A task that does it, unless it is lost with its thread. */
export const doing =
  (deed: Deed | EndlessDeed, extra?: unknown) =>
  (memory: SharedArrayBuffer, id: number): BoundTask =>
    stub('act')(memory, id, deed, extra)

const abortedWithin =
  (ms: number) =>
  (random: Random): PostOptions => {
    const controller = new AbortController()
    setTimeout(() => controller.abort('not wanted'), random(ms))
    return { signal: controller.signal }
  }
const isAborted = (outcome: Outcome): boolean => 'error' in outcome && outcome.error === 'not wanted'
const errorOf = (outcome: Outcome): { code?: unknown; message?: string; exitCode?: unknown; cause?: unknown; path?: unknown } =>
  ('error' in outcome ? (outcome.error ?? {}) : {}) as object
const returns = (outcome: Outcome, expected: unknown): boolean => 'value' in outcome && outcome.value === expected
const hasCode = (outcome: Outcome, code: string): boolean => errorOf(outcome).code === code
/** Each exits with a code of its own, so that no other task can be blamed unnoticed. */
const exitCodeOf = (id: number): number => (id % 200) + 2
/** Where the thread has not touched them, `by` is 0. */
const bytesOf = (id: number, by: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: 1 + (id % 3000) }, (_, index) => id + index + by)
const bufferOf = ({ args }: BoundTask): ArrayBuffer => args[2] as ArrayBuffer
const equals = (value: unknown, bytes: Uint8Array): boolean =>
  value instanceof ArrayBuffer && Buffer.compare(new Uint8Array(value), bytes) === 0
const messageOfCause = (outcome: Outcome): unknown => (errorOf(outcome).cause as Error | undefined)?.message

/** Crashes, time limits, cancelling, and what cannot cross, among tasks that end well. */
export const kinds: Record<string, Kind> = {
  ok: { weight: 420, task: doing('ok'), isRight: (outcome, id) => returns(outcome, id), starts: [1] },
  later: { weight: 150, task: stub('later'), isRight: (outcome, id) => returns(outcome, id), starts: [1] },
  text: { weight: 60, task: doing('text'), isRight: (outcome, id) => returns(outcome, `text ${id}`), starts: [1] },
  /** Moved there and back: copied on neither way. */
  transfer: {
    weight: 30,
    task: (memory, id) => stub('move')(memory, id, bytesOf(id, 0).buffer),
    options: (_random, task) => ({ transfer: [bufferOf(task)] }),
    isRight: (outcome, id, task) =>
      'value' in outcome && equals(outcome.value, bytesOf(id, 1)) && bufferOf(task).byteLength === 0,
    starts: [1],
  },
  fail: { weight: 80, task: doing('fail'), isRight: (outcome, id) => errorOf(outcome).message === `expected ${id}`, starts: [1] },
  failWithNull: {
    weight: 40,
    task: doing('failWithNull'),
    isRight: (outcome) => 'error' in outcome && outcome.error === null,
    starts: [1],
  },
  exit: {
    weight: 6,
    task: (memory, id) => doing('exit', exitCodeOf(id))(memory, id),
    isRight: (outcome, id) => hasCode(outcome, 'ERR_WORKER_CRASHED') && errorOf(outcome).exitCode === exitCodeOf(id),
    starts: [1],
  },
  throwOutside: {
    weight: 6,
    task: doing('throwOutside'),
    isRight: (outcome, id) => hasCode(outcome, 'ERR_WORKER_CRASHED') && messageOfCause(outcome) === `outside ${id}`,
    starts: [1],
  },
  outOfMemory: {
    weight: 2,
    task: doing('eatMemory'),
    isRight: (outcome) =>
      hasCode(outcome, 'ERR_WORKER_CRASHED') &&
      (errorOf(outcome).cause as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY',
    starts: [1],
  },
  spin: {
    weight: 6,
    task: doing('spin'),
    options: () => ({ timeout: 20 }),
    isRight: (outcome) => hasCode(outcome, 'ERR_TASK_TIMEOUT'),
    // Its time may be over while its thread is not ready to start it.
    starts: [0, 1],
  },
  leaveThrow: { weight: 20, task: doing('leaveThrow'), isRight: (outcome, id) => returns(outcome, id), starts: [1] },
  leaveRejection: { weight: 20, task: doing('leaveRejection'), isRight: (outcome, id) => returns(outcome, id), starts: [1] },
  missingExport: {
    weight: 20,
    task: (memory, id) => stub('notThere')(memory, id),
    isRight: (outcome) => hasCode(outcome, 'ERR_MODULE_LOAD'),
    starts: [0],
  },
  missingModule: {
    weight: 10,
    task: (memory, id) => (absent['run'] as Stub)(memory, id),
    isRight: (outcome) => hasCode(outcome, 'ERR_MODULE_LOAD'),
    starts: [0],
  },
  throwingModule: {
    weight: 10,
    task: (memory, id) => (throwing['run'] as Stub)(memory, id),
    isRight: (outcome) => hasCode(outcome, 'ERR_MODULE_LOAD') && messageOfCause(outcome) === 'this module cannot be loaded',
    starts: [0],
  },
  uncloneableResult: {
    weight: 30,
    task: doing('returnFunction'),
    isRight: (outcome) => hasCode(outcome, 'ERR_TASK_SERIALIZATION') && errorOf(outcome).path === 'result.callback',
    starts: [1],
  },
  uncloneableArgument: {
    weight: 30,
    task: (memory, id) => doing('ok', { callback: () => id })(memory, id),
    isRight: (outcome) => hasCode(outcome, 'ERR_TASK_SERIALIZATION') && errorOf(outcome).path === 'args[3].callback',
    starts: [0],
  },
  aborted: {
    weight: 30,
    task: stub('later'),
    options: abortedWithin(30),
    isRight: (outcome, id) => returns(outcome, id) || isAborted(outcome),
    starts: [0, 1],
  },
  spinAborted: { weight: 6, task: doing('spin'), options: abortedWithin(30), isRight: isAborted, starts: [0, 1] },
  expired: {
    weight: 30,
    task: doing('ok'),
    options: (random) => ({ queueTimeout: 1 + random(30) }),
    isRight: (outcome, id) => returns(outcome, id) || hasCode(outcome, 'ERR_TASK_TIMEOUT'),
    starts: [0, 1],
  },
}
