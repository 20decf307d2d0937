import type { TaskPriority } from '@posttask/core'

/** What was seen of one task. Times are milliseconds from the beginning of the recording. */
export interface RecordedTask {
  /** Unique in its trace. */
  readonly number: number
  readonly id: number
  readonly name: string
  readonly pool: string
  readonly runner: string
  readonly priority: TaskPriority
  /** 0 for a post that was not seen: it was before the recording. */
  readonly postedAt: number
  readonly isPostSeen: boolean
  readonly poster: RecordedTask | undefined
  readonly isReply: boolean
  /** The stack of the post. */
  readonly origin: string | undefined
  startedAt: number | undefined
  endedAt: number | undefined
  outcome: string | undefined
  error: unknown
  thread: number | undefined
}

/** How many tasks waited in a runner at a time. */
export interface RecordedDepth {
  readonly pool: string
  readonly runner: string
  readonly at: number
  readonly depth: number
}
