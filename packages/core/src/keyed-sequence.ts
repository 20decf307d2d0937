import type { RunHandle } from './run-handle.ts'
import type { PostOptions, Task, TaskHandle, TaskResult } from './task.ts'
import type { RunOptions, TaskRunner } from './task-runner.ts'
import { checkedTime } from './traits.ts'

/** The sequence of one key of a `KeyedTaskRunner`: a view, free to make and to forget. */
export class KeyedSequence<Accepts extends Task = Task> {
  /** @internal As `TaskRecord.keptAlive`. */
  static readonly keptAlive: KeyedSequence = /* @__PURE__ */ new KeyedSequence(undefined as never, undefined)

  readonly runner: TaskRunner<Accepts>
  readonly key: unknown

  /** @internal */
  constructor(runner: TaskRunner<Accepts>, key: unknown) {
    this.runner = runner
    this.key = key
  }

  /** As {@link TaskRunner.postTask}, behind the tasks of this key (S1). */
  postTask(task: Accepts, options?: PostOptions): TaskHandle {
    return this.runner.submit(task, options, undefined, 0, 0, undefined, this.key)
  }

  /** As {@link TaskRunner.postDelayedTask}. */
  postDelayedTask(task: Accepts, delay: number, options?: PostOptions): TaskHandle {
    return this.runner.submit(task, options, undefined, 0, checkedTime(delay, 'delay'), undefined, this.key)
  }

  /** As {@link TaskRunner.run}; a task of the same key that awaits it would wait for itself (W3). */
  run<Posted extends Accepts>(task: Posted, options?: RunOptions): Promise<TaskResult<Posted>> {
    return this.runner.runFor(this.key, task, options)
  }

  /** As {@link TaskRunner.spawn}; a task of the same key that awaits it would wait for itself (W3). */
  spawn<Posted extends Accepts>(task: Posted, options?: RunOptions): RunHandle<TaskResult<Posted>> {
    return this.runner.spawnFor(this.key, task, options)
  }
}
