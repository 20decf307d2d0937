import type { Observer, TaskEvent, TaskFinishedEvent, TaskRejectedEvent } from '@posttask/core'

/** One event of a task. */
export interface RecordedEvent {
  readonly kind: 'posted' | 'started' | 'finished' | 'rejected'
  readonly runner: string
  readonly task: string
  readonly id: number
  /** The outcome or the reason. */
  readonly detail?: string
}

/** Keeps what happened in a pool, in order. Given as `observer` of a pool, or to `pool.addObserver`. */
export class RecordingObserver implements Observer {
  readonly #events: RecordedEvent[] = []

  get events(): readonly RecordedEvent[] {
    return this.#events
  }

  /** The names of the tasks, in the order in which they started. */
  get started(): readonly string[] {
    return this.#events.filter(({ kind }) => kind === 'started').map(({ task }) => task)
  }

  clear(): void {
    this.#events.length = 0
  }

  onPosted(event: TaskEvent): void {
    this.#add('posted', event)
  }

  onStarted(event: TaskEvent): void {
    this.#add('started', event)
  }

  onFinished(event: TaskFinishedEvent): void {
    this.#add('finished', event, event.outcome)
  }

  onRejected(event: TaskRejectedEvent): void {
    this.#add('rejected', event, event.reason)
  }

  /** One line for each event, for a snapshot. */
  toString(): string {
    return this.#events
      .map(({ kind, runner, task, detail }) => `${runner}/${task} ${kind}${detail === undefined ? '' : ` ${detail}`}`)
      .join('\n')
  }

  #add(kind: RecordedEvent['kind'], { runner, name, task }: TaskEvent, detail?: string): void {
    this.#events.push({ kind, runner: runner.name, task: name, id: task.id, ...(detail !== undefined && { detail }) })
  }
}
