import type { Executor } from '@posttask/core'
import type { Subject } from './subject.ts'

/** One rule, as a test that every backend has to pass. */
export interface ConformanceCase {
  /** The rule of the semantics page and what is checked. */
  readonly title: string
  /** What the executor must declare; the case is skipped where it does not. Default: nothing. */
  readonly requires?: readonly Requirement[]
  /** Fails by throwing. */
  readonly run: (subject: Subject) => Promise<void>
}

/** What a case may ask for. Each is answered by what the executor declares of itself, never by an option of a test. */
export type Requirement =
  | 'closures'
  | 'bound tasks'
  | 'two slots'
  | 'a copying boundary'
  | 'threads'
  | 'transfer'
  | 'terminate'
  | 'shared memory'

const answers: Readonly<Record<Requirement, (executor: Executor) => boolean>> = {
  closures: ({ accepts }) => accepts.includes('closure'),
  'bound tasks': ({ accepts }) => accepts.includes('bound'),
  'two slots': ({ maxConcurrency }) => maxConcurrency >= 2,
  'a copying boundary': ({ capabilities }) => capabilities.boundary !== 'inline',
  threads: ({ capabilities }) => capabilities.boundary === 'thread',
  transfer: ({ capabilities }) => capabilities.transfer,
  terminate: ({ capabilities }) => capabilities.terminate,
  'shared memory': ({ capabilities }) => capabilities.sharedMemory,
}

/** The requirement that the executor does not meet; undefined where the case applies. */
export const unmetRequirement = (executor: Executor, requires: readonly Requirement[] = []): Requirement | undefined =>
  requires.find((requirement) => !answers[requirement](executor))
