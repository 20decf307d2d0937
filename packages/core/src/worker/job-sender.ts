import type { MessagePort } from 'node:worker_threads'
import type { TaskExecution } from '../executor.ts'
import type { BoundTask } from '../task.ts'
import { type Board, boardState } from './board.ts'
import type { Job } from './job.ts'
import { checkMovable } from './moved-objects.ts'
import type { AbortMessage, JobMessage } from './protocol.ts'
import type { RunTimes } from './run-times.ts'
import { serializationError } from './serialization-error.ts'
import { SharedObjects } from './shared-objects.ts'

/** Puts the tasks of a job into messages to the thread. One that cannot be sent, or not be read there, rejects alone (F4). */
export class JobSender {
  /** The thread will be done with the tasks before this one. */
  sent = 0
  readonly #port: MessagePort
  readonly #board: Board
  readonly #runTimes: RunTimes
  readonly #shared = new SharedObjects()
  /** The targets that the thread knows by index, and those it was told of with the last job. */
  readonly #known = new Set<number>()
  readonly #introduced: number[] = []
  /** Messages so far, and those before the job's. */
  #posted = 0
  #before = 0
  /** First task and end of each message of the job. */
  readonly #ranges: number[] = []

  constructor(port: MessagePort, board: Board, runTimes: RunTimes) {
    this.#port = port
    this.#board = board
    this.#runTimes = runTimes
  }

  send(job: Job, jobNumber: number): void {
    this.sent = 0
    this.#before = this.#posted
    this.#ranges.length = 0
    for (const index of this.#introduced) this.#known.add(index)
    this.#introduced.length = 0
    if (job.tasks.length === 1) this.#post(job, jobNumber, 0)
    else this.#postMany(job, jobNumber)
  }

  abort(message: AbortMessage): void {
    this.#port.postMessage(message)
    this.#posted++
  }

  /** The thread could not read its message `number`, counted from 0: the tasks in it reject. */
  unread(job: Job, number: number, cause: unknown): void {
    const at = (number - this.#before) * 2
    const [from, to] = this.#ranges.slice(at, at + 2)
    // Of an earlier job, or an abort.
    if (at < 0 || from === undefined || to === undefined) return
    for (let index = from; index < to; index++) this.#reject(job, index, cause)
    this.#ranges[at + 1] = 0
    this.sent = this.#ranges.reduce((most, end, place) => (place % 2 === 1 && end > most ? end : most), 0)
    // It may have been told of them in that very message.
    this.#introduced.length = 0
  }

  /** As few messages as do not let two tasks share an object. */
  #postMany(job: Job, jobNumber: number): void {
    let from = 0
    for (let index = 0; index < job.tasks.length; index++) {
      const { args } = job.tasks[index] as BoundTask
      if (this.#shared.add(args)) continue
      this.#postRange(job, jobNumber, from, index)
      from = index
      this.#shared.clear()
      this.#shared.add(args)
    }
    this.#shared.clear()
    this.#postRange(job, jobNumber, from, job.tasks.length)
  }

  #postRange(job: Job, jobNumber: number, from: number, to: number): void {
    if (to - from > 1 && this.#tryPost(job, jobNumber, from, to)) return
    for (let index = from; index < to; index++) this.#post(job, jobNumber, index)
  }

  #post(job: Job, jobNumber: number, index: number): void {
    this.#tryPost(job, jobNumber, index, index + 1, (error) => this.#reject(job, index, error))
  }

  #reject(job: Job, index: number, cause: unknown): void {
    // The thread will not come by its place.
    this.#board.takeBack(index, boardState.cancelled)
    const { args } = job.tasks[index] as BoundTask
    const { name, transfer } = job.executions[index] as TaskExecution
    job.reject(index, serializationError(args, 'args', `an argument of task "${name}"`, cause, transfer))
  }

  #tryPost(job: Job, jobNumber: number, from: number, to: number, onFailure?: (error: unknown) => void): boolean {
    try {
      const message: JobMessage = [jobNumber]
      const introduced: number[] = []
      let transfer: object[] | undefined
      for (let index = from; index < to; index++) {
        const task = job.tasks[index] as BoundTask
        const execution = job.executions[index] as TaskExecution
        const target = this.#runTimes.targetOf(task)
        const isKnown = this.#known.has(target.index)
        if (!isKnown) introduced.push(target.index)
        message.push(
          index,
          isKnown ? target.index : [target.index, target.module, target.export],
          execution.id,
          task.args.length === 0 ? undefined : task.args,
          execution.wantsProgress,
          execution.name === target.export ? undefined : execution.name,
          execution.carrier,
        )
        if (execution.transfer !== undefined)
          transfer = transfer === undefined ? [...execution.transfer] : [...transfer, ...execution.transfer]
      }
      if (transfer !== undefined) checkMovable(transfer)
      this.#port.postMessage(message, transfer as never)
      this.#posted++
      this.#ranges.push(from, to)
      this.#introduced.push(...introduced)
      this.sent = to
      return true
    } catch (error) {
      onFailure?.(error)
      return false
    }
  }
}
