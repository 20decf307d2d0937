export { checkLinearizable, formatOperation, type Linearizability } from './check-linearizable.ts'
export { checkSequenced, type Sequencing } from './check-sequenced.ts'
export {
  DeadlockError,
  ExternalWaitError,
  ForeignWaitError,
  LeakError,
  LivelockError,
  ReentrantAdvanceError,
  TaskLimitError,
  TestEnvironmentError,
  type TestEnvironmentErrorCode,
  TimeLimitError,
  UncontrolledError,
} from './errors.ts'
export { type ExploreOptions, type ExploreReport, explore } from './explore.ts'
export { type Cell, ExploreEnvironment, type Service, type ServiceOptions } from './explore-environment.ts'
export type { Operation } from './history.ts'
export { History } from './history.ts'
export { type MatcherResult, matchers, type TaskAssertions, type TaskMatchers } from './matchers.ts'
export { type Model, models } from './models.ts'
export { RaceError } from './race-error.ts'
export { type RecordedEvent, RecordingObserver } from './recording-observer.ts'
export type { RunLimits } from './run-limits.ts'
export { type RunTestOptions, runTest } from './run-test.ts'
export type { ScheduleStep } from './schedule.ts'
export { delayStrategy, mixedStrategy, pctStrategy, randomStrategy, replayStrategy, type Strategy } from './strategy.ts'
export type { TaskInfo } from './task-ledger.ts'
export { createTestEnvironment, TestEnvironment, type TestEnvironmentOptions } from './test-environment.ts'
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts'
export { VirtualExecutor, type VirtualExecutorOptions } from './virtual-executor.ts'
export type { GlobalName } from './virtual-globals.ts'
export type { WorldOptions } from './virtual-world.ts'
export { withEnvironment } from './with-environment.ts'
