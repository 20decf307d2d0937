import type { AsyncScope } from './async-context.ts'
import { postReplyTo } from './poster.ts'
import type { PostOptions, TaskContext } from './task.ts'
import { type RecordState, succeeded, type TaskRecord, type TaskSink } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'

/** Options of `postTaskAndReply`. Those of a post are for the task. */
export interface ReplyOptions extends PostOptions {
  /** Where the reply runs. Default: the runner whose task makes the call. */
  replyTo?: TaskRunner | undefined
  /** Options of the reply. */
  replyOptions?: PostOptions | undefined
  /** Runs on `replyTo` instead of the reply when the task did not succeed. Default: the error hook is told. */
  onError?: ((error: unknown, context: TaskContext) => void) | undefined
}

type Reply = (result: unknown, context: TaskContext) => unknown

/** Posts the reply when the task has ended (F7). */
export class ReplySink implements TaskSink {
  /** As `TaskRecord.keptAlive`. */
  static readonly keptAlive: ReplySink = new ReplySink(undefined as never, undefined as never, {}, undefined)

  readonly #replyTo: TaskRunner
  #reply: Reply | undefined
  #options: ReplyOptions
  #scope: AsyncScope | undefined

  constructor(replyTo: TaskRunner, reply: Reply, options: ReplyOptions, scope: AsyncScope | undefined) {
    this.#replyTo = replyTo
    this.#reply = reply
    // A copy: its caller may use the object again.
    this.#options = { ...options, replyOptions: options.replyOptions && { ...options.replyOptions } }
    this.#scope = scope
  }

  onSettled(record: TaskRecord, state: RecordState, value: unknown): boolean {
    const callback = state === succeeded ? this.#reply : this.#options.onError
    const { replyOptions } = this.#options
    const scope = this.#scope
    // The handle of the task may be kept, and with it this.
    this.#reply = this.#scope = undefined
    this.#options = {}
    if (callback === undefined) return false
    const reply = (context: TaskContext): unknown => callback(value, context)
    const handle = postReplyTo(record, () => this.#replyTo.postInScope(reply, replyOptions, scope))
    // The refusal of the reply is told of. The error that it should have told would be lost.
    return state === succeeded || handle.state !== 'rejected'
  }
}
