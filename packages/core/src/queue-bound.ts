import { QueueFullError } from './errors.ts'
import type { RejectionReason } from './observer.ts'
import { SignalGroup, type SignalMember } from './signal-group.ts'
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
 * The bound of a queue, and who waits for room in it (Q1), first come, first served. Tasks that a free slot is there for do
 * not wait, so they do not count. A place that `ready()` promised is the asker's: no other post gets it before the asker
 * has gone on, and it ends with the turn.
 */
export class QueueBound {
  readonly isBounded: boolean
  readonly #queue: TaskQueue
  readonly #limit: number
  readonly #policy: FullPolicy
  /** How many of those in the queue could start at once. */
  readonly #starting: () => number
  readonly #askers: Asker[] = []
  /** Places of askers that have not gone on yet. */
  #promised = 0
  /** Places of askers that go on now: the next post takes one. */
  #due = 0
  /** What does not count in the queue. */
  #exempt = 0

  constructor(queue: TaskQueue, limit: number | undefined, policy: FullPolicy | undefined, starting: () => number) {
    if (policy !== undefined && !Object.hasOwn(reasons, policy))
      throw new TypeError(`onFull must be one of ${Object.keys(reasons).join(', ')}, not ${String(policy)}`)
    this.#queue = queue
    this.#limit = checkedCount(limit ?? Number.POSITIVE_INFINITY, 'queueLimit')
    this.#policy = policy ?? 'reject'
    this.#starting = starting
    this.isBounded = this.#limit !== Number.POSITIVE_INFINITY
  }

  /** True if `place` would be given one at once. */
  get hasRoom(): boolean {
    return this.#askers.length === 0 && this.#free > this.#promised + this.#due
  }

  /** A record joined the queue, or left it. */
  count(record: TaskRecord, by: 1 | -1): void {
    if (record.isExempt) this.#exempt += by
  }

  /** Asked for each post that counts, before it joins: undefined if there is room. */
  overflow(record: TaskRecord, runner: string): Overflow | undefined {
    if (this.#due > 0) {
      this.#due--
      return undefined
    }
    if (this.#free > this.#promised) return undefined
    const victim = this.#policy === 'drop-oldest' ? (this.#queue.oldestBehind(this.#starting()) ?? record) : record
    const what = this.#policy === 'reject' ? 'refused' : 'dropped'
    const error = new QueueFullError(
      `task "${victim.name}" on runner "${runner}" was ${what}: its queueLimit of ${this.#limit} is reached; await runner.ready() before each post, or raise the limit`,
    )
    return { record: victim, reason: reasons[this.#policy], error }
  }

  /** Resolves with a place, now or when one is free. A signal that fires first ends the wait, which then takes none. */
  place(signal: AbortSignal | undefined): Promise<void> {
    const hasRoom = this.hasRoom
    const promise = new Promise<void>((grant, refuse) => {
      const asker = { grant, refuse }
      if (hasRoom) this.#grant(asker)
      else this.#askers.push(signal === undefined ? asker : this.#abortable(asker, signal))
    })
    // Registered before anybody can await it, so this runs right ahead of what the asker does next.
    void promise.then(this.#onTaken, ignore)
    return promise
  }

  /** One who gives up when the signal fires, and then takes no place. */
  #abortable({ grant, refuse }: Asker, signal: AbortSignal): Asker {
    const asker: Asker & SignalMember = {
      grant() {
        group.leave(asker)
        grant()
      },
      refuse(error) {
        group.leave(asker)
        refuse(error)
      },
      onSignal: (reason) => {
        this.#askers.splice(this.#askers.indexOf(asker), 1)
        asker.refuse(reason as Error)
      },
    }
    const group = SignalGroup.join(signal, asker)
    return asker
  }

  /** Gives free places to those who wait for one. True if some place is promised or due, which ends with the turn. */
  offer(): boolean {
    while (this.#askers.length > 0 && this.#free > this.#promised + this.#due) this.#grant(this.#askers.shift() as Asker)
    return this.#promised + this.#due > 0
  }

  endTurn(): void {
    this.#due = 0
  }

  close(error: Error): void {
    for (const { refuse } of this.#askers.splice(0)) refuse(error)
  }

  #grant(asker: Asker): void {
    this.#promised++
    asker.grant()
  }

  readonly #onTaken = (): void => {
    this.#promised--
    this.#due++
  }

  get #free(): number {
    return this.#limit - Math.max(0, this.#queue.size - this.#exempt - this.#starting())
  }
}

const ignore = (): void => {}
