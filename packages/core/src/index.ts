export { bindPostTask } from './bind-post-task.ts'
export type { Clock, TimerHandle } from './clock.ts'
export { currentTaskRunner } from './current-task.ts'
export {
  ModuleLoadError,
  PoolClosedError,
  PostTaskError,
  type PostTaskErrorCode,
  QueueFullError,
  RunnerClosedError,
  SequenceDeadlockError,
  TaskCancelledError,
  TaskSerializationError,
  TaskTimeoutError,
  ThreadPoolNotInitializedError,
  WorkerCrashedError,
} from './errors.ts'
export type { Executor, ExecutorCapabilities, Settled, TaskExecution, ThreadExecutor, ThreadOptions } from './executor.ts'
export { createTaskRunner, globalThreadPool, initGlobalThreadPool, shutdownGlobalThreadPool } from './global-thread-pool.ts'
export type { DurationStats } from './histogram.ts'
export type { HookOptions } from './hooks.ts'
export { KeyedSequence } from './keyed-sequence.ts'
export { type KeyedRunnerOptions, KeyedTaskRunner } from './keyed-task-runner.ts'
export { loadExport } from './load-export.ts'
export type { MapOptions, MapOutcome, Mapper, MapResult } from './map-tasks.ts'
export type {
  Observer,
  QueueDepthEvent,
  RejectionReason,
  RunnerEvent,
  StallEvent,
  StrayErrorEvent,
  TaskErrorEvent,
  TaskEvent,
  TaskFinishedEvent,
  TaskPostedEvent,
  TaskRejectedEvent,
  TaskStartedEvent,
} from './observer.ts'
export { type ParallelRunnerOptions, ParallelTaskRunner } from './parallel-task-runner.ts'
export type { CloseOptions, CloseReport, LostTask } from './pool-closing.ts'
export type { PoolStats } from './pool-stats.ts'
export { PoolTotals, type RunnerTotals } from './pool-totals.ts'
export { currentTask } from './public-current-task.ts'
export type { FullPolicy } from './queue-bound.ts'
export type { RepeatingTaskHandle, RepeatOptions } from './repeating-task.ts'
export type { RunHandle } from './run-handle.ts'
export type { RunnerStats } from './runner-stats.ts'
export type { RunningTask } from './running-task.ts'
export { type BoundCalls, type BoundPosts, SequenceBound } from './sequence-bound.ts'
export { type SequenceLocal, sequenceLocal } from './sequence-local.ts'
export { SequencedTaskRunner } from './sequenced-task-runner.ts'
export { type SingleThreadRunnerOptions, SingleThreadTaskRunner } from './single-thread-task-runner.ts'
export { systemClock } from './system-clock.ts'
export type {
  BoundTask,
  Closure,
  PostOptions,
  ShutdownBehavior,
  Task,
  TaskContext,
  TaskHandle,
  TaskPriority,
  TaskResult,
  TaskState,
} from './task.ts'
export type { ReplyOptions } from './task-and-reply.ts'
export type { TaskSummary } from './task-history.ts'
export { isStub, type Stub, type TaskModule, taskModule } from './task-module.ts'
export {
  type RunnerKind,
  type RunnerOptions,
  type RunOptions,
  type ShutdownReport,
  TaskRunner,
  type WaitOptions,
} from './task-runner.ts'
export type { TaskCandidate, TestSeam } from './test-seam.ts'
export { ThreadPool, type ThreadPoolOptions } from './thread-pool.ts'
export type { TaskWait, WaitCall } from './wait-edge.ts'
