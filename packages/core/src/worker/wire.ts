import { MessageChannel, type MessagePort, receiveMessageOnPort, type TransferListItem } from 'node:worker_threads'
import type { Settled } from '../executor.ts'
import { Board, boardState } from './board.ts'
import type { Job } from './job.ts'
import { type AbortMessage, type JobMessage, type ThreadMessage, type ThreadStart, threadMessage } from './protocol.ts'
import type { RunTimes } from './run-times.ts'
import { serializationError } from './serialization-error.ts'
import { SharedObjects } from './shared-objects.ts'
import type { ThreadOutput } from './thread-output.ts'
import { decodeThrown, encodeThrown } from './thrown-value.ts'

/** Who hears what comes from the thread. */
export interface WireListener {
  /** Every task of the job has an outcome. */
  onJobEnded(job: Job): void
  /** An error in the thread while no task ran. */
  onStray(error: unknown): void
}

const fulfilled = (value: unknown): Settled => ({ status: 'fulfilled', value })
const rejected = (reason: unknown): Settled => ({ status: 'rejected', reason })
const lost: Settled = { status: 'lost' }

const tellsOutcome = (message: ThreadMessage): boolean =>
  typeof message === 'number' || message[0] === threadMessage.returned || message[0] === threadMessage.threw

/** Main's end of the line to one thread: sends one job at a time, takes in progress and outcomes. */
export class Wire {
  /** What the thread has to be given, with `port` in the transfer list. */
  readonly start: ThreadStart
  /** The uncaught error that ends the thread, once it told of one. */
  cause: unknown
  readonly #port: MessagePort
  readonly #board = new Board()
  readonly #runTimes: RunTimes
  readonly #listener: WireListener
  /** The targets that the thread knows by index. */
  readonly #known = new Set<number>()
  readonly #shared = new SharedObjects()
  readonly #output: ThreadOutput | undefined
  /** Messages that wait until what was printed before them is out. */
  #held: ThreadMessage[] | undefined
  #job: Job | undefined
  #jobNumber = 0
  #isHeard = false
  /** The thread is done with the tasks before this one, and was sent those before that one. */
  #cursor = 0
  #sent = 0

  /** `output`: of the thread; undefined where the thread is another's, who knows which it is. */
  constructor(runTimes: RunTimes, listener: WireListener, output: ThreadOutput | undefined) {
    const { port1, port2 } = new MessageChannel()
    this.#runTimes = runTimes
    this.#listener = listener
    this.#output = output
    this.#port = port1
    this.start = { port: port2, memory: this.#board.memory, isBorrowed: output === undefined }
    port1.on('message', (message: ThreadMessage) => this.#receive(message))
    port1.unref()
  }

  send(job: Job): void {
    this.#job = job
    this.#jobNumber++
    this.#cursor = this.#sent = 0
    const count = job.tasks.length
    for (let index = 0; index < count; index++) this.#board.queue(index)
    if (count === 1) this.#post(job, 0, 1)
    else this.#postMany(job)
    this.#endIfDone()
  }

  /**
   * Tells the thread that a task was cancelled. True where the task runs, and so may have to be ended by force; one that
   * has not started never will.
   */
  abort(index: number): boolean {
    if (this.#board.takeBack(index, boardState.cancelled) || this.#board.state(index) !== boardState.running) return false
    const reason = encodeThrown(this.#job?.executions[index]?.abortReason)
    this.#port.postMessage({ job: this.#jobNumber, index, reason } satisfies AbortMessage)
    this.#board.abort(index)
    return true
  }

  /** True once the thread has shown that it serves. */
  get isServed(): boolean {
    return this.#isHeard || this.#board.state(0) >= boardState.running
  }

  indexOf(execution: unknown): number {
    return this.#job?.executions.indexOf(execution as never) ?? -1
  }

  /**
   * Takes back every task that has not started, so that ending the thread can hit no other than the one that runs. True
   * where that is `index`.
   */
  isolate(index: number): boolean {
    if (this.#board.state(index) !== boardState.running) return false
    const count = this.#job?.tasks.length ?? 0
    for (let other = 0; other < count; other++) this.#board.takeBack(other, boardState.recalled)
    return this.#board.state(index) === boardState.running
  }

  /**
   * Finds out what each task is at, and takes back those that have not started. False where none has. From the last to the
   * first: when one is seen to run, all before it have ended.
   */
  lookAhead(): boolean {
    const job = this.#job
    if (job === undefined || this.#held !== undefined || this.#board.state(0) === boardState.queued) return false
    for (let index = job.tasks.length - 1; index >= 0; index--) {
      this.#board.takeBack(index, boardState.recalled)
      const outcome = this.#onBoard(job, index)
      if (outcome !== undefined) job.settle(index, outcome)
    }
    return true
  }

  /** Takes in what the thread had sent before it ended. */
  drain(): void {
    const held = this.#held
    this.#held = undefined
    for (const message of held ?? []) this.#take(message, true)
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port)) {
      this.#take(next.message, true)
    }
  }

  /** The thread has ended: says of each task that has no outcome yet what became of it. False where there is none. */
  close(crash: () => unknown): boolean {
    this.drain()
    this.#port.close()
    const job = this.#job
    let hasCut = false
    if (job === undefined) return hasCut
    for (let index = 0; index < job.tasks.length; index++) {
      if (job.outcomes[index] !== undefined) continue
      const outcome = this.#onBoard(job, index)
      hasCut ||= outcome === undefined
      if (outcome !== undefined) job.settle(index, outcome)
      else if (this.#board.state(index) === boardState.queued) job.settle(index, lost)
      else job.reject(index, job.executions[index]?.aborted ? job.executions[index]?.abortReason : crash())
    }
    return hasCut
  }

  #receive(message: ThreadMessage): void {
    if (this.#held !== undefined) this.#held.push(message)
    else if (this.#output?.isHeld === true && tellsOutcome(message)) this.#hold(message, this.#output)
    else this.#take(message)
  }

  #hold(message: ThreadMessage, output: ThreadOutput): void {
    const held = [message]
    this.#held = held
    output.whenOut(() => {
      // The end of the thread takes in everything at once.
      if (this.#held !== held) return
      this.#held = undefined
      this.#take(message)
      for (const next of held.slice(1)) this.#receive(next)
    })
  }

  #take(message: ThreadMessage, isClosing = false): void {
    this.#isHeard = true
    if (typeof message === 'number') this.#advance(message)
    else if (message[0] === threadMessage.progress) this.#job?.executions[message[1]]?.progress(message[2])
    else if (message[0] === threadMessage.stray) this.#listener.onStray(decodeThrown(message[1]))
    else if (message[0] === threadMessage.crash) this.cause = decodeThrown(message[1])
    else
      this.#takeOutcome(
        message[1],
        message[0] === threadMessage.returned ? fulfilled(message[2]) : rejected(decodeThrown(message[2])),
      )
    if (!isClosing) this.#endIfDone()
  }

  #takeOutcome(done: number, outcome: Settled): void {
    this.#advance(done - 1)
    this.#job?.settle(done - 1, outcome)
    this.#advance(done)
  }

  #advance(done: number): void {
    const job = this.#job
    if (job === undefined) return
    for (; this.#cursor < done; this.#cursor++) {
      const index = this.#cursor
      const outcome = this.#onBoard(job, index)
      if (outcome !== undefined) job.settle(index, outcome)
      // Undefined also for what went by message, where it has its outcome already.
      if (this.#board.state(index) >= boardState.returnedUndefined) {
        this.#runTimes.record(this.#runTimes.targetOf(job.tasks[index] as never), this.#board.runMs[index] as number)
      }
    }
  }

  #onBoard(job: Job, index: number): Settled | undefined {
    switch (this.#board.state(index)) {
      case boardState.cancelled:
        return rejected(job.executions[index]?.abortReason)
      case boardState.recalled:
        return lost
      case boardState.returnedUndefined:
        return fulfilled(undefined)
      case boardState.returnedNull:
        return fulfilled(null)
      case boardState.returnedTrue:
        return fulfilled(true)
      case boardState.returnedFalse:
        return fulfilled(false)
      case boardState.returnedNumber:
        return fulfilled(this.#board.values[index])
      default:
        return undefined
    }
  }

  #endIfDone(): void {
    const job = this.#job
    // What was taken back has its outcome before the thread has come by.
    if (job?.hasEnded !== true || this.#cursor < this.#sent) return
    this.#job = undefined
    this.#listener.onJobEnded(job)
  }

  /** As few messages as do not let two tasks share an object. */
  #postMany(job: Job): void {
    let from = 0
    for (let index = 0; index < job.tasks.length; index++) {
      const { args } = job.tasks[index] as { readonly args: readonly unknown[] }
      if (args.length === 0 || this.#shared.add(args)) continue
      this.#postRange(job, from, index)
      from = index
      this.#shared.clear()
      this.#shared.add(args)
    }
    this.#shared.clear()
    this.#postRange(job, from, job.tasks.length)
  }

  #postRange(job: Job, from: number, to: number): void {
    if (to - from === 1 || !this.#tryPost(job, from, to))
      for (let index = from; index < to; index++) this.#post(job, index, index + 1)
  }

  #post(job: Job, from: number, to: number): void {
    const cause: { error?: unknown } = {}
    if (this.#tryPost(job, from, to, cause)) return
    const task = job.tasks[from] as { readonly args: readonly unknown[] }
    const execution = job.executions[from]
    job.reject(
      from,
      serializationError(task.args, 'args', `an argument of task "${execution?.name}"`, cause.error, execution?.transfer),
    )
  }

  #tryPost(job: Job, from: number, to: number, cause?: { error?: unknown }): boolean {
    const message: JobMessage = [this.#jobNumber]
    const introduced: number[] = []
    let transfer: object[] | undefined
    for (let index = from; index < to; index++) {
      const task = job.tasks[index] as (typeof job.tasks)[number]
      const execution = job.executions[index] as (typeof job.executions)[number]
      const target = this.#runTimes.targetOf(task)
      const { name } = execution
      const isKnown = this.#known.has(target.index)
      if (!isKnown) {
        introduced.push(target.index)
        this.#known.add(target.index)
      }
      message.push(
        index,
        isKnown ? target.index : [target.index, target.module, target.export],
        execution.id,
        task.args.length === 0 ? undefined : task.args,
        execution.wantsProgress,
        name === target.export ? undefined : name,
        execution.carrier,
      )
      if (execution.transfer !== undefined)
        transfer = transfer === undefined ? [...execution.transfer] : [...transfer, ...execution.transfer]
    }
    try {
      this.#port.postMessage(message, transfer as TransferListItem[] | undefined)
      this.#sent = to
      return true
    } catch (error) {
      for (const index of introduced) this.#known.delete(index)
      if (cause !== undefined) cause.error = error
      return false
    }
  }
}
