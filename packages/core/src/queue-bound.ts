import { QueueFullError } from './errors.ts'
import type { RejectionReason } from './observer.ts'
import { onAbort } from './on-abort.ts'
import type { TaskQueue } from './task-queue.ts'
import type { TaskRecord } from './task-record.ts'
import { checkedCount } from './traits.ts'

/** What `onFull` may be (Q1). */
export type FullPolicy = 'reject' | 'drop-newest' | 'drop-oldest'

interface Asker {
  readonly grant: () => void
  readonly refuse: (error: Error) => void
}

/** Who has to go because the queue is full. */
export interface Overflow {
  readonly record: TaskRecord
  readonly reason: RejectionReason
  readonly error: Error
}

const reasons: Readonly<Record<FullPolicy, RejectionReason>> = {
  reject: 'queue-full',
  'drop-newest': 'dropped-newest',
  'drop-oldest': 'dropped-oldest',
}

/**
 * The bound of a queue, and who waits for room in it (Q1), first come, first served. A grant holds its place until the
 * post that it was given for, or until the turn ends: otherwise everybody who waits would post into one free place.
 */
export class QueueBound {
  readonly isBounded: boolean
  readonly #queue: TaskQueue
  readonly #limit: number
  readonly #policy: FullPolicy
  readonly #askers: Asker[] = []
  #granted = 0
  /** Places of posts that drop another task to get them. */
  #reserved = 0
  /** What does not count in the queue. */
  #exempt = 0

  constructor(queue: TaskQueue, limit: number | undefined, policy: FullPolicy = 'reject') {
    if (!Object.hasOwn(reasons, policy))
      throw new TypeError(`onFull must be one of ${Object.keys(reasons).join(', ')}, not ${String(policy)}`)
    this.#queue = queue
    this.#limit = checkedCount(limit ?? Number.POSITIVE_INFINITY, 'queueLimit')
    this.#policy = policy
    this.isBounded = this.#limit !== Number.POSITIVE_INFINITY
  }

  /** True where a post finds room now that nobody else was promised. */
  get hasRoom(): boolean {
    return this.#askers.length === 0 && this.#free > this.#granted
  }

  /** A record joined the queue, or left it. */
  count(record: TaskRecord, by: 1 | -1): void {
    if (record.isExempt) this.#exempt += by
  }

  /** Asked for each post that counts: undefined where there is room. */
  overflow(record: TaskRecord, runner: string): Overflow | undefined {
    if (this.#granted > 0) this.#granted--
    if (this.#free > 0) return undefined
    const victim = this.#policy === 'drop-oldest' ? (this.#queue.oldest ?? record) : record
    const what = this.#policy === 'reject' ? 'refused' : 'dropped'
    const error = new QueueFullError(
      `task "${victim.name}" on runner "${runner}" was ${what}: its queueLimit of ${this.#limit} is reached; await runner.ready() before each post, or raise the limit`,
    )
    return { record: victim, reason: reasons[this.#policy], error }
  }

  reserve(by: 1 | -1): void {
    this.#reserved += by
  }

  /** Takes a place for somebody who asked while there was room. */
  grant(): void {
    this.#granted++
  }

  wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((grant, refuse) => {
      this.#askers.push(signal === undefined ? { grant, refuse } : this.#abortable({ grant, refuse }, signal))
    })
  }

  /** One who gives up when the signal fires, and then takes no place. */
  #abortable({ grant, refuse }: Asker, signal: AbortSignal): Asker {
    const end = onAbort(signal, (reason) => {
      this.#askers.splice(this.#askers.indexOf(asker), 1)
      refuse(reason as Error)
    })
    const asker: Asker = {
      grant() {
        end()
        grant()
      },
      refuse(error) {
        end()
        refuse(error)
      },
    }
    return asker
  }

  /** True where room came free and somebody was given a place, which ends with the turn. */
  offer(): boolean {
    const before = this.#granted
    while (this.#free > this.#granted) {
      const asker = this.#askers.shift()
      if (asker === undefined) break
      this.#granted++
      asker.grant()
    }
    return this.#granted > before
  }

  endTurn(): void {
    this.#granted = 0
  }

  close(error: Error): void {
    for (const { refuse } of this.#askers.splice(0)) refuse(error)
  }

  get #free(): number {
    return this.#limit - (this.#queue.size - this.#exempt) - this.#reserved
  }
}
