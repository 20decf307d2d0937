export { assert, assertEqual, assertError, ConformanceFailure, rejection, thrown } from './assertions.ts'
export type { ConformanceCase, Requirement } from './conformance-case.ts'
export {
  type ConformanceResult,
  type ConformanceTest,
  conformanceCases,
  type DrivenExecutor,
  executorConformance,
  runConformance,
} from './executor-conformance.ts'
export type { Subject } from './subject.ts'
