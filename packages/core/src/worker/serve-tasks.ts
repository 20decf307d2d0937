import { AsyncLocalStorage } from 'node:async_hooks'
import type { MessagePort } from 'node:worker_threads'
import { intrinsics } from '../intrinsics.ts'
import { loadExport } from '../load-export.ts'
import { Board, boardState } from './board.ts'
import { decodeThrown } from './decode-thrown.ts'
import { encodeThrown } from './encode-thrown.ts'
import { checkMovable } from './moved-objects.ts'
import { nextMessage, onMessages, UnreadMessage } from './port-inbox.ts'
import { PrintedOutput } from './printed-output.ts'
import {
  type AbortMessage,
  type JobMessage,
  type TargetDefinition,
  type ThreadStart,
  taskStride,
  threadMessage,
} from './protocol.ts'
import { serializationError } from './serialization-error.ts'
import { noCarrier, provideTaskContext } from './task-context.ts'
import { type ThreadLine, ThreadTask } from './thread-task.ts'

const { performance, process } = globalThis
const now = performance.now.bind(performance)
const exit = process.exit.bind(process)
const { isArray } = Array

interface Target {
  readonly module: string
  readonly export: string
  /** Missing until its module is loaded. */
  run: ((...args: never[]) => unknown) | undefined
}

/** How long an outcome may wait for the next ones, in milliseconds. */
const outcomeDelay = 1

/** Whose code runs, after awaits and in callbacks too: an error nobody catches is its error, and no other task's. */
const running = new AsyncLocalStorage<ThreadTask>()

const isPromiseLike = (value: unknown): value is PromiseLike<unknown> =>
  value !== null &&
  (typeof value === 'object' || typeof value === 'function') &&
  typeof (value as { then?: unknown }).then === 'function'

/** Runs what comes through one port, one task after the other, in order. */
class TaskServer implements ThreadLine {
  readonly port: MessagePort
  readonly board: Board
  readonly onIdle: (() => void) | undefined
  readonly #output = new PrintedOutput([process.stdout, process.stderr])
  readonly #targets: Target[] = []
  readonly #jobs: JobMessage[] = []
  #offset = 1
  #jobNumber = 0
  #received = 0
  #isBusy = false
  /** Done according to the board, and how many of them main has been told of. */
  #done = 0
  #told = 0
  #toldAt = 0
  /** Claimed: it may be loading its module still. */
  #claimed: ThreadTask | undefined
  /** Running. */
  current: ThreadTask | undefined

  constructor({ port, memory }: ThreadStart, onIdle?: () => void) {
    this.port = port
    this.board = new Board(memory)
    this.onIdle = onIdle
    onMessages<JobMessage | AbortMessage>(port, (message) => {
      this.#take(message)
      this.#pump()
    })
  }

  receive(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) this.#take(next)
  }

  #next(): JobMessage | AbortMessage | UnreadMessage | undefined {
    return nextMessage<JobMessage | AbortMessage>(this.port)
  }

  #take(message: JobMessage | AbortMessage | UnreadMessage): void {
    const number = this.#received++
    if (message instanceof UnreadMessage) this.port.postMessage([threadMessage.unread, number, encodeThrown(message.cause)])
    else if (isArray(message)) this.#jobs.push(message)
    else if (this.#claimed?.job === message.job && this.#claimed.index === message.index)
      this.#claimed.abort(decodeThrown(message.reason))
  }

  #pump(): void {
    if (this.#isBusy) return
    this.#isBusy = true
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      this.#enter(job[0] as number)
      while (this.#offset < job.length) {
        const offset = this.#offset
        this.#offset += taskStride
        const pending = this.#start(job, offset)
        if (pending !== undefined) {
          this.#tell()
          void pending.then(() => {
            this.#isBusy = false
            this.#pump()
          })
          return
        }
      }
      this.#jobs.shift()
      this.#offset = 1
    }
    this.#isBusy = false
    this.#tell()
    this.onIdle?.()
  }

  /** A job may come in several messages. */
  #enter(jobNumber: number): void {
    if (jobNumber === this.#jobNumber) return
    this.#jobNumber = jobNumber
    this.#done = this.#told = 0
  }

  /** A promise where the task has not ended when this returns. It never rejects. */
  #start(job: JobMessage, offset: number): Promise<void> | undefined {
    const index = job[offset] as number
    const target = this.#target(job[offset + 1] as number | TargetDefinition)
    if (!this.board.claim(index)) {
      this.#done = index + 1
      return undefined
    }
    const name = (job[offset + 5] as string | undefined) ?? target.export
    const task = new ThreadTask(this, job[0] as number, index, job[offset + 2] as number, name, job[offset + 4] as boolean)
    task.carrier = (job[offset + 6] as ThreadTask['carrier'] | undefined) ?? noCarrier
    this.#claimed = task
    const args = (job[offset + 3] ?? []) as never[]
    return target.run === undefined ? this.#load(task, target, args) : this.#run(task, target.run, args)
  }

  async #load(task: ThreadTask, target: Target, args: never[]): Promise<void> {
    try {
      target.run = await loadExport(target.module, target.export)
    } catch (error) {
      this.board.runMs[task.index] = 0
      return this.#threw(task, error)
    }
    await this.#run(task, target.run, args)
  }

  #run(task: ThreadTask, run: (...args: never[]) => unknown, args: never[]): Promise<void> | undefined {
    this.current = task
    const startedAt = now()
    let result: unknown
    try {
      result = running.run(task, run, ...args)
      if (isPromiseLike(result)) return this.#await(task, result, startedAt)
    } catch (error) {
      this.#measure(task, startedAt)
      return this.#afterOutput(() => this.#threw(task, error))
    }
    this.#measure(task, startedAt)
    return this.#afterOutput(() => this.#returned(task, result))
  }

  async #await(task: ThreadTask, promise: PromiseLike<unknown>, startedAt: number): Promise<void> {
    let report: () => void
    try {
      const result = await promise
      report = () => this.#returned(task, result)
    } catch (error) {
      report = () => this.#threw(task, error)
    }
    this.#measure(task, startedAt)
    await this.#afterOutput(report)
  }

  #measure(task: ThreadTask, startedAt: number): void {
    this.board.runMs[task.index] = now() - startedAt
  }

  #afterOutput(report: () => void): Promise<void> | undefined {
    const output = this.#output.pending
    if (output !== undefined) return output.then(report)
    report()
    return undefined
  }

  #returned(task: ThreadTask, result: unknown): void {
    if (task.moved === undefined && this.#putOnBoard(task.index, result)) {
      this.#leave(task)
      this.#done = task.index + 1
      if (now() - this.#toldAt > outcomeDelay) this.#tell()
      return
    }
    // Marked before the message leaves: with the outcome in hand main may use this place for the next task.
    this.board.end(task.index, boardState.sent)
    try {
      if (task.moved !== undefined) checkMovable(task.moved)
      this.port.postMessage([threadMessage.returned, task.index + 1, result], task.moved as never)
      this.#sent(task)
    } catch (cause) {
      this.#threw(task, serializationError(result, 'result', `the result of task "${task.name}"`, cause, task.moved))
    }
  }

  #threw(task: ThreadTask, error: unknown): void {
    this.board.end(task.index, boardState.sent)
    const done = task.index + 1
    this.port.postMessage(
      task.throwsReason(error) ? [threadMessage.threwReason, done] : [threadMessage.threw, done, encodeThrown(error)],
    )
    this.#sent(task)
  }

  #sent(task: ThreadTask): void {
    this.#leave(task)
    this.#done = this.#told = task.index + 1
    this.#toldAt = now()
  }

  #leave(task: ThreadTask): void {
    task.end()
    this.current = this.#claimed = undefined
  }

  #putOnBoard(index: number, result: unknown): boolean {
    if (typeof result === 'number') {
      this.board.values[index] = result
      this.board.end(index, boardState.returnedNumber)
    } else if (result === undefined) this.board.end(index, boardState.returnedUndefined)
    else if (result === null) this.board.end(index, boardState.returnedNull)
    else if (result === true) this.board.end(index, boardState.returnedTrue)
    else if (result === false) this.board.end(index, boardState.returnedFalse)
    else return false
    return true
  }

  /** Several tasks that ended one after the other share this message. */
  #tell(): void {
    if (this.#done === this.#told) return
    this.port.postMessage(this.#done)
    this.#told = this.#done
    this.#toldAt = now()
  }

  #target(entry: number | TargetDefinition): Target {
    if (typeof entry === 'number') return this.#targets[entry] as Target
    const [index, module, exportName] = entry
    this.#targets[index] ??= { module, export: exportName, run: undefined }
    return this.#targets[index]
  }
}

/**
 * An error that nobody caught. Of the task that runs: its thread ends, for what the task waits for may never come. So does
 * one of which nobody knows whose it is, while a task runs. Of one that has ended, or while none runs: an event, and the
 * thread goes on.
 */
const reportStrayErrors = (server: TaskServer): void => {
  process.on('uncaughtException', (error) => {
    const task = running.getStore() ?? server.current
    const isStray = task === undefined || task !== server.current
    server.port.postMessage([isStray ? threadMessage.stray : threadMessage.crash, encodeThrown(error)])
    if (!isStray) exit(1)
  })
}

/**
 * The entry of a thread: from now on it runs the tasks that come through the port it is given. A backend's worker file
 * hands this to its library, and is done.
 */
export const serveTasks = (start: ThreadStart): Promise<void> | undefined => {
  if (!start.isBorrowed) {
    const server = new TaskServer(start)
    provideTaskContext(() => running.getStore() ?? server.current)
    reportStrayErrors(server)
    return undefined
  }
  return new intrinsics.Promise((resolve) => {
    const server: TaskServer = new TaskServer(start, () => {
      start.port.close()
      resolve()
    })
    provideTaskContext(() => running.getStore() ?? server.current)
  })
}
