import type { TaskHandle } from './task.ts'
import { taskLabel } from './task-label.ts'
import type { TaskRecord } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'

/** The calls whose promise a task may wait for. */
export type WaitCall = 'run' | 'flush' | 'waitIdle' | 'waitQuiescent' | 'ready' | 'close'

/** What a running task has asked for and not got yet, so that it may wait for it (W3). */
export interface TaskWait {
  /** The task that called. */
  readonly task: TaskHandle
  readonly runner: TaskRunner
  readonly call: WaitCall
  /** The runner whose method it called. */
  readonly on: TaskRunner
  /** The task that `run` or `flush` has posted there. */
  readonly target: TaskHandle | undefined
  /** True if the task cannot end before: it has returned the promise, or awaits it in its own function. */
  readonly isCertain: boolean
  /** In words, such as `run accounts["x"]/book`. The wording may change. */
  readonly what: string
}

/** How a wait began: when the proof is asked for, the traces of the `await` are compared, once. */
type Proof = () => boolean

/** One edge of the wait graph. It lies with the task that waits. */
export class WaitEdge implements TaskWait {
  /** As `TaskRecord.keptAlive`. */
  static readonly keptAlive: WaitEdge = /* @__PURE__ */ new WaitEdge(undefined as never, 'run', undefined as never, undefined, 0)

  readonly task: TaskRecord
  readonly call: WaitCall
  readonly on: TaskRunner
  readonly target: TaskRecord | undefined
  /** Waits for the tasks with an order below this one, unless it has a target. */
  readonly until: number
  /** Ended by its own signal. */
  readonly hasSignal: boolean
  /** Ends the wait with an error. */
  fail: (error: Error) => void = () => {}
  #isOver = false
  #isCertain = false
  /** One for each time that somebody looked at the promise: one of them may have been the `await`. */
  #proofs: Proof[] = []

  constructor(
    task: TaskRecord,
    call: WaitCall,
    on: TaskRunner,
    target: TaskRecord | undefined,
    until: number,
    hasSignal = false,
  ) {
    this.task = task
    this.call = call
    this.on = on
    this.target = target
    this.until = until
    this.hasSignal = hasSignal
  }

  get runner(): TaskRunner {
    return this.task.runner
  }

  get isOver(): boolean {
    return this.target?.isSettled ?? this.#isOver
  }

  /** True if a time limit or a signal may end the wait, whatever else happens. */
  get isLimited(): boolean {
    const extras = this.target?.extras
    return this.hasSignal || extras?.group !== undefined || extras?.timeout !== undefined || extras?.queueTimeout !== undefined
  }

  get isCertain(): boolean {
    for (const proof of this.#proofs.splice(0)) this.#isCertain ||= proof()
    return this.#isCertain
  }

  get what(): string {
    return `${this.call} ${this.target === undefined || this.call === 'flush' ? this.on.name : taskLabel(this.target)}`
  }

  /** The task has returned the promise, or it may turn out that it awaits it. */
  prove(proof: true | Proof): void {
    if (proof === true) this.#isCertain = true
    else if (!this.#isCertain) this.#proofs.push(proof)
  }

  end(): void {
    this.#isOver = true
  }
}

/** Keeps `edge` with its task. Those that are over go when the list has doubled. */
export const addEdge = (edge: WaitEdge): WaitEdge => {
  edge.runner.hasWaiters = true
  const extras = edge.runner.extrasOf(edge.task)
  const edges = (extras.edges ??= [])
  const { length } = edges
  if (length > 0 && (edges[length - 1] as WaitEdge).isOver) edges.pop()
  else if (length >= 16 && (length & (length - 1)) === 0) extras.edges = edges.filter(({ isOver }) => !isOver)
  extras.edges.push(edge)
  return edge
}

/** What a task waits for now, as far as it is known. */
export const edgesOf = (record: TaskRecord): readonly WaitEdge[] => record.extras?.edges?.filter(({ isOver }) => !isOver) ?? []
