import type { RepeatingTaskHandle } from './repeating-task.ts'
import type { TaskHandle } from './task.ts'
import type { TaskRunner } from './task-runner.ts'

/** A task that could start next by the rules, or go on after a `context.yield`. */
export interface TaskCandidate {
  readonly runner: TaskRunner
  readonly task: TaskHandle
  readonly name: string
  /** It has started, and goes on after a `context.yield`. */
  readonly isResumption: boolean
}

/**
 * What a test environment asks of the pools on its clock (`Clock.seam`; the pool reads it once, when it is made). With
 * `Clock.nextPump` this is all that a virtual clock and an exploration of schedules need. A clock without a seam costs
 * one comparison where a call would be.
 */
export interface TestSeam {
  /**
   * Called in every pump callback that could start something, with one candidate too, right before the start. Gives the
   * index of the one to start; 0 is what the pool would do by itself. -1: start nothing now; the pool then asks
   * `nextPump` for another callback at once, as it does whenever something could start.
   *
   * Candidates are what the rules allow: of the ready runners of the highest effective priority (P2, fences, pauses and
   * free slots respected) a sequenced or single-thread runner gives its head, a parallel runner its first tasks of equal
   * priority, as many as it and the executor have free slots (threads may start those in any order).
   */
  choose?(candidates: readonly TaskCandidate[]): number
  /**
   * A task was accepted: it is queued, delayed until `due`, or repeating every `interval` ms. `due` is on the clock's
   * `now`. A repeating task is reported once, with its repeating handle; barriers and ticks are not. Called in the post.
   */
  posted?(
    runner: TaskRunner,
    task: TaskHandle | RepeatingTaskHandle,
    name: string,
    due: number | undefined,
    interval: number | undefined,
    unref: boolean,
  ): void
  /**
   * `task` (the current one, where known) made something that it may now wait for. `on` is the handle of the task whose
   * `run()` it was, or the promise of `waitIdle`, `waitQuiescent`, `flush`, `ready`, `close`, `context.sleep` or `context.yield`; `what`
   * says it in words, such as `run db/inner`, `waitIdle db` or `sleep 5 ms`.
   */
  wait?(task: TaskHandle | undefined, what: string, on: TaskHandle | PromiseLike<unknown>): void
  /**
   * A `context.sleep` that fell due: calling `wake` goes on with the task. The pool calls this instead of `wake`, so that
   * the environment chooses when. Calling `wake` late or after the task was cancelled is fine.
   */
  resume?(task: TaskHandle, what: string, wake: () => void): void
  /** A time limit of a task has passed. What this returns is added to the text of the error, in a line of its own. */
  explainTimeout?(task: TaskHandle): string | undefined
  /** A task goes on after a `context.yield`, whose turn is a pump callback: it is one of the candidates of `choose`. */
  resumed?(task: TaskHandle, what: string): void
}
