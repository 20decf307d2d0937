import type { Settled, TaskExecution } from '../executor.ts'
import type { BoundTask } from '../task.ts'

/** One message to a thread: a task, or several, and an outcome for each. */
export class Job {
  /** As `TaskRecord.keptAlive`. */
  static readonly keptAlive: Job = new Job([], [], () => {})

  readonly tasks: readonly BoundTask[]
  readonly executions: readonly TaskExecution[]
  readonly outcomes: (Settled | undefined)[]
  readonly #onDone: (outcomes: readonly Settled[]) => void
  readonly #onSlow: ((known: readonly (Settled | undefined)[]) => void) | undefined
  #open: number

  constructor(
    tasks: readonly BoundTask[],
    executions: readonly TaskExecution[],
    onDone: (outcomes: readonly Settled[]) => void,
    onSlow?: (known: readonly (Settled | undefined)[]) => void,
  ) {
    this.tasks = tasks
    this.executions = executions
    this.outcomes = new Array<Settled | undefined>(tasks.length).fill(undefined)
    this.#onDone = onDone
    this.#onSlow = onSlow
    this.#open = tasks.length
  }

  /** Its one task was never started; it is as if it had not been sent. */
  get mayRunAgain(): boolean {
    const [outcome] = this.outcomes
    return this.tasks.length === 1 && outcome?.status === 'lost' && (this.executions[0]?.transfer?.length ?? 0) === 0
  }

  /** Whoever waits for it wants to hear when one of its tasks keeps the others waiting. */
  get isWatched(): boolean {
    return this.#onSlow !== undefined
  }

  get hasEnded(): boolean {
    return this.#open === 0
  }

  /** The first outcome of a task is the one. */
  settle(index: number, outcome: Settled): void {
    if (this.outcomes[index] !== undefined) return
    this.outcomes[index] = outcome
    this.#open--
  }

  reject(index: number, reason: unknown): void {
    this.settle(index, { status: 'rejected', reason })
  }

  /** For what has no outcome yet, and the tasks that were lost. */
  rejectRest(reason: unknown): void {
    for (const [index, outcome] of this.outcomes.entries()) {
      if (outcome?.status === 'lost') this.outcomes[index] = { status: 'rejected', reason }
      else this.reject(index, reason)
    }
  }

  /**
   * A task that was never started and has lost a thread before may be what ends them: its arguments do not fit, say. True
   * where there is one.
   */
  rejectLostAgain(lostBefore: WeakSet<TaskExecution>, reason: unknown): boolean {
    let isAny = false
    for (const [index, outcome] of this.outcomes.entries()) {
      const execution = this.executions[index] as TaskExecution
      if (outcome?.status !== 'lost') continue
      if (lostBefore.has(execution)) {
        this.outcomes[index] = { status: 'rejected', reason }
        isAny = true
      } else lostBefore.add(execution)
    }
    return isAny
  }

  startOver(): void {
    this.outcomes.fill(undefined)
    this.#open = this.tasks.length
  }

  /** Tells what is known by now. */
  tellSlow(): void {
    this.#onSlow?.([...this.outcomes])
  }

  /** Tells who waits for it. Its slot is free from now on. */
  finish(): void {
    this.#onDone(this.outcomes as readonly Settled[])
  }
}
