import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { Settled } from '../executor.ts'
import { Board, boardState } from './board.ts'
import { decodeThrown } from './decode-thrown.ts'
import { encodeThrown } from './encode-thrown.ts'
import type { Job } from './job.ts'
import { JobSender } from './job-sender.ts'
import { nextMessage, onMessages, UnreadMessage } from './port-inbox.ts'
import { type ThreadMessage, type ThreadStart, threadMessage } from './protocol.ts'
import type { RunTimes } from './run-times.ts'
import { serializationError } from './serialization-error.ts'
import type { ThreadOutput } from './thread-output.ts'

/** Who sent a job, and hears of its end. */
interface JobSource {
  /** Every task of the job has an outcome, and the thread has come by all of them. */
  onJobEnded(): void
}

type Incoming = ThreadMessage | UnreadMessage

const fulfilled = (value: unknown, runMs: number): Settled => ({ status: 'fulfilled', value, runMs })
const rejected = (reason: unknown, runMs?: number): Settled => ({ status: 'rejected', reason, runMs })
const lost: Settled = { status: 'lost' }

const tellsOutcome = (message: Incoming): boolean =>
  typeof message === 'number' ||
  message instanceof UnreadMessage ||
  message[0] === threadMessage.returned ||
  message[0] === threadMessage.threw ||
  message[0] === threadMessage.threwReason

/** Main's end of the line to one thread: sends one job at a time, takes in progress and outcomes. */
export class Wire {
  /** What the thread has to be given, with `port` in the transfer list. */
  readonly start: ThreadStart
  /** The uncaught error that ends the thread, once it told of one. */
  cause: unknown
  readonly #port: MessagePort
  readonly #board = new Board()
  readonly #runTimes: RunTimes
  readonly #onStray: (error: unknown) => void
  readonly #sender: JobSender
  readonly #output: ThreadOutput | undefined
  /** Messages that wait until what was printed before them is out. */
  #held: Incoming[] | undefined
  #job: Job | undefined
  #source: JobSource | undefined
  #jobNumber = 0
  #isHeard = false
  /** The thread is done with the tasks before this one. */
  #cursor = 0
  /** How many messages of progress came from each task. */
  #reports: number[] = []

  /**
   * @param onStray hears of errors in the thread while no task ran
   * @param output of the thread; undefined where the thread is another's, who knows which it is
   */
  constructor(runTimes: RunTimes, onStray: (error: unknown) => void, output: ThreadOutput | undefined) {
    const { port1, port2 } = new MessageChannel()
    this.#runTimes = runTimes
    this.#onStray = onStray
    this.#output = output
    this.#port = port1
    this.#sender = new JobSender(port1, this.#board, runTimes)
    this.start = { port: port2, memory: this.#board.memory, isBorrowed: output === undefined }
    onMessages<ThreadMessage>(port1, (message) => this.#receive(message))
    port1.unref()
  }

  send(job: Job, source: JobSource): void {
    this.#job = job
    this.#source = source
    this.#jobNumber++
    this.#cursor = 0
    if (this.#reports.length > 0) this.#reports = []
    const count = job.tasks.length
    for (let index = 0; index < count; index++) this.#board.queue(index)
    this.#sender.send(job, this.#jobNumber)
    this.#endIfDone()
  }

  /**
   * Tells the thread that a task was cancelled. What it was: `running`, and may have to be ended by force; `queued`, and
   * never starts; or over.
   */
  abort(index: number): 'running' | 'queued' | 'over' {
    if (this.#board.takeBack(index, boardState.cancelled)) return 'queued'
    if (this.#board.state(index) !== boardState.running) return 'over'
    const reason = encodeThrown(this.#job?.executions[index]?.abortReason)
    this.#sender.abort({ job: this.#jobNumber, index, reason })
    this.#board.abort(index)
    return 'running'
  }

  /** True once the thread has shown that it serves. */
  get isServed(): boolean {
    return this.#isHeard || this.#board.state(0) >= boardState.running
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

  /** A task of the job runs, or has said something that is held back: the thread has come by. */
  get isRunning(): boolean {
    return this.#held !== undefined || this.#indices.some((index) => this.#board.state(index) === boardState.running)
  }

  /** Takes back every task that has not started, unless one runs. True where none does: something else holds the thread. */
  isolateNone(): boolean {
    if (this.isRunning) return false
    for (const index of this.#indices) this.#board.takeBack(index, boardState.recalled)
    return !this.isRunning
  }

  get #indices(): number[] {
    return [...(this.#job?.tasks.keys() ?? [])]
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
    const next = (): Incoming | undefined => nextMessage<ThreadMessage>(this.#port)
    for (let message = next(); message !== undefined; message = next()) this.#take(message, true)
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

  #receive(message: Incoming): void {
    if (this.#held !== undefined) this.#held.push(message)
    else if (this.#output?.isHeld === true && tellsOutcome(message)) this.#hold(message, this.#output)
    else this.#take(message)
  }

  #hold(message: Incoming, output: ThreadOutput): void {
    const held: Incoming[] = [message]
    this.#held = held
    output.whenOut(() => {
      // The end of the thread takes in everything at once.
      if (this.#held !== held) return
      this.#held = undefined
      this.#take(message)
      for (const next of held.slice(1)) this.#receive(next)
    })
  }

  #take(message: Incoming, isClosing = false): void {
    this.#isHeard = true
    if (typeof message === 'number') this.#advance(message)
    else if (message instanceof UnreadMessage) this.#takeUnread(message.cause)
    else if (message[0] === threadMessage.progress) this.#takeProgress(message[1], message[2])
    else if (message[0] === threadMessage.stray) this.#onStray(decodeThrown(message[1]))
    else if (message[0] === threadMessage.crash) this.cause = decodeThrown(message[1])
    else if (message[0] === threadMessage.unread) {
      if (this.#job !== undefined) this.#sender.unread(this.#job, message[1], decodeThrown(message[2]))
    } else if (message[0] === threadMessage.threwReason)
      this.#takeOutcome(message[1], (runMs) => rejected(this.#job?.executions[message[1] - 1]?.abortReason, runMs))
    else if (message[0] === threadMessage.returned) this.#takeOutcome(message[1], (runMs) => fulfilled(message[2], runMs))
    else this.#takeOutcome(message[1], (runMs) => rejected(decodeThrown(message[2]), runMs))
    if (!isClosing) this.#endIfDone()
  }

  #takeProgress(index: number, value: unknown): void {
    this.#reports[index] = this.#reportsOf(index) + 1
    this.#job?.executions[index]?.progress(value)
  }

  #reportsOf(index: number): number {
    return this.#reports[index] ?? 0
  }

  /** Messages come in order, so the board says what it must have been: the first that is missing. */
  #takeUnread(cause: unknown): void {
    const job = this.#job
    const count = job?.tasks.length ?? 0
    for (let index = this.#cursor; index < count; index++) {
      const name = job?.executions[index]?.name
      if (this.#reportsOf(index) < this.#board.reports(index)) {
        this.#reports[index] = this.#reportsOf(index) + 1
        this.#onStray(serializationError(undefined, 'progress', `progress of task "${name}"`, cause))
        return
      }
      if (job?.outcomes[index] === undefined && this.#board.state(index) === boardState.sent) {
        const error = serializationError(undefined, 'result', `the result of task "${name}"`, cause)
        this.#takeOutcome(index + 1, (runMs) => rejected(error, runMs))
        return
      }
    }
    this.#onStray(cause)
  }

  #takeOutcome(done: number, outcome: (runMs: number) => Settled): void {
    this.#advance(done - 1)
    this.#job?.settle(done - 1, outcome(this.#board.runMs[done - 1] as number))
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
    const runMs = this.#board.runMs[index] as number
    switch (this.#board.state(index)) {
      case boardState.cancelled:
        return rejected(job.executions[index]?.abortReason)
      case boardState.recalled:
        return lost
      case boardState.returnedUndefined:
        return fulfilled(undefined, runMs)
      case boardState.returnedNull:
        return fulfilled(null, runMs)
      case boardState.returnedTrue:
        return fulfilled(true, runMs)
      case boardState.returnedFalse:
        return fulfilled(false, runMs)
      case boardState.returnedNumber:
        return fulfilled(this.#board.values[index], runMs)
      default:
        return undefined
    }
  }

  #endIfDone(): void {
    const job = this.#job
    // What was taken back has its outcome before the thread has come by.
    if (job?.hasEnded !== true || this.#cursor < this.#sender.sent) return
    const source = this.#source
    this.#job = this.#source = undefined
    source?.onJobEnded()
  }
}
