import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads'
import { VirtualClock } from '@posttask/testing'
import type { TaskExecution, ThreadOptions } from '../../src/executor.ts'
import { Board, boardState } from '../../src/worker/board.ts'
import { Job } from '../../src/worker/job.ts'
import { Lane } from '../../src/worker/lane.ts'
import type { ThreadStart } from '../../src/worker/protocol.ts'
import { RunTimes } from '../../src/worker/run-times.ts'
import type { ThreadHolder } from '../../src/worker/thread-holder.ts'
import { bind, TestExecution } from './test-execution.ts'

let threads = 0

/** A thread that does what the test says, and nothing else. */
export class FakeThread extends EventEmitter {
  readonly threadId = ++threads
  readonly stdout = new PassThrough()
  readonly stderr = new PassThrough()
  isTerminated = false
  /** It serves from now on. */
  stand: () => void = () => {}
  #port: MessagePort | undefined
  #board: Board | undefined

  serve({ port, memory }: ThreadStart): Promise<void> {
    this.#port = port
    this.#board = new Board(memory)
    return new Promise((resolve) => (this.stand = resolve))
  }

  /** Only asks for the end: it comes with `exit` of the holder. */
  terminate(): Promise<number> {
    this.isTerminated = true
    return Promise.resolve(1)
  }

  /** Begins a task of the job: false where it was taken back. */
  begin(index = 0): boolean {
    return this.board.claim(index)
  }

  /** Ends a task on the board, without a word. */
  end(index = 0): void {
    this.board.end(index, boardState.returnedUndefined)
  }

  /** Says that the first `done` tasks have ended. */
  tell(message: unknown): void {
    this.#port?.postMessage(message)
  }

  /** What main has sent since it was last asked. */
  received(): unknown[] {
    const messages: unknown[] = []
    const next = () => receiveMessageOnPort(this.#port as MessagePort)
    for (let found = next(); found !== undefined; found = next()) messages.push(found.message)
    return messages
  }

  get board(): Board {
    return this.#board as Board
  }
}

/** A library with one thread, and another in its place when it ends. */
export class FakeHolder implements ThreadHolder {
  current = new FakeThread()
  isDestroyed = false
  /** Set: no thread takes the place of one that ended. */
  hasGivenUp = false

  get thread(): Worker | undefined {
    return this.hasGivenUp ? undefined : (this.current as unknown as Worker)
  }

  serve(start: ThreadStart): Promise<void> {
    return this.current.serve(start)
  }

  destroy(): Promise<void> {
    this.isDestroyed = true
    return Promise.resolve()
  }

  /** The thread ends. */
  exit(code = 1): void {
    const ended = this.current
    this.current = new FakeThread()
    ended.emit('exit', code)
  }
}

/** A lane over threads of the test's, at a time of the test's. */
export class FakeLane {
  readonly clock = new VirtualClock()
  readonly holders: FakeHolder[] = []
  readonly strays: unknown[] = []
  readonly lane: Lane
  onStray: (error: unknown) => void = (error) => this.strays.push(error)

  constructor(abortGraceMs = 1000, owner?: Omit<ThreadOptions, 'name'>) {
    const { clock } = this
    const makeHolder = (): FakeHolder => {
      const holder = new FakeHolder()
      this.holders.push(holder)
      return holder
    }
    const onStray = (error: unknown): void => this.onStray(error)
    this.lane = new Lane({ clock, runTimes: new RunTimes(), abortGraceMs, lost: new WeakSet(), makeHolder, onStray }, owner)
  }

  get holder(): FakeHolder {
    return this.holders.at(-1) as FakeHolder
  }

  get thread(): FakeThread {
    return this.holder.current
  }

  /** Sends a job of so many tasks; its outcomes come with `done`. `given`: executions that were sent before. */
  run(count = 1, onSlow?: () => void, given: readonly (TestExecution | undefined)[] = [], transfer?: readonly object[]) {
    const make = (index: number): TestExecution => new TestExecution(`task ${index}`, transfer === undefined ? {} : { transfer })
    const executions = Array.from({ length: count }, (_, index) => given[index] ?? make(index))
    let job = Job.keptAlive
    const done = new Promise<readonly unknown[]>((resolve) => {
      const tasks = executions.map(() => bind('nothing'))
      job = new Job(tasks, executions, resolve, onSlow)
      this.lane.run(job)
    })
    const cancel = (index: number, reason: unknown): void => {
      executions[index]?.cancel(reason)
      this.lane.abort(executions[index] as TaskExecution)
    }
    return { job, done, executions, cancel }
  }

  /** Time passes, between what is under way. */
  async pass(ms: number): Promise<void> {
    await turn()
    this.clock.advanceBy(ms)
    await turn()
  }
}

/** What was sent to a port has come, and promises have gone on. */
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
