import { describe, expect, test } from 'vitest'
import { KeyedBucket } from '../src/keyed-bucket.ts'
import { LevelBucket } from '../src/level-bucket.ts'
import { TaskExtras } from '../src/task-extras.ts'
import type { TaskPack } from '../src/task-pack.ts'
import { TaskQueue } from '../src/task-queue.ts'
import { inheritsPriority, isBarrier, levelShift, queued, TaskRecord } from '../src/task-record.ts'
import type { TaskRunner } from '../src/task-runner.ts'
import { randomFrom } from './fixtures/random.ts'

const runner = { pool: {} } as TaskRunner

/** What waits, as a reader of the rules would write it down. */
interface Item {
  readonly id: number
  readonly order: number
  readonly key: number
  readonly inherits: boolean
  readonly isExempt: boolean
  level: number
  readonly record: () => TaskRecord
}

interface Kind {
  readonly makeQueue: () => TaskQueue
  /** In which order the items of a segment may start. */
  readonly isKeyed: boolean
  readonly isFifo: boolean
}

const kinds: Record<string, Kind> = {
  'a sequence': { makeQueue: () => new TaskQueue(() => new LevelBucket(true)), isKeyed: false, isFifo: true },
  'a parallel runner': { makeQueue: () => new TaskQueue(() => new LevelBucket(false)), isKeyed: false, isFifo: false },
  'a keyed runner': { makeQueue: () => new TaskQueue(() => new KeyedBucket()), isKeyed: true, isFifo: false },
}

/** What lies between two barriers, as plain arrays. */
class Segment {
  items: Item[] = []
  /** Keys of which a task runs. */
  readonly busy = new Set<number>()
  /** Keys that may start something, by level, in turn. */
  readonly turns: readonly Set<number>[] = [new Set(), new Set(), new Set()]

  /** An urgent task pulls those of its key along (P3). */
  levelOf(key: number): number {
    return Math.max(0, ...this.items.filter((item) => item.key === key).map(({ level }) => level))
  }

  /** After each change of a key: behind the others of its level where that is new. */
  place(key: number): void {
    const waits = this.items.some((item) => item.key === key) && !this.busy.has(key)
    for (const [level, turns] of this.turns.entries()) {
      if (waits && level === this.levelOf(key)) turns.add(key)
      else turns.delete(key)
    }
  }

  first({ isFifo, isKeyed }: Kind): Item | undefined {
    if (isFifo) return this.items[0]
    const key = this.turns
      .findLast((turns) => turns.size > 0)
      ?.values()
      .next().value
    if (isKeyed) return this.items.find((item) => item.key === key)
    const highest = Math.max(...this.items.map(({ level }) => level))
    return this.items.find(({ level }) => level === highest)
  }

  get oldest(): Item | undefined {
    return this.items.filter((item) => !item.isExempt).toSorted((a, b) => a.order - b.order)[0]
  }
}

describe.each(Object.entries(kinds))('what waits in %s', (_title, kind) => {
  test.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'S1 S2 P1 P3 W1 Q1 is what a list of plain items says, whatever joins, leaves and changes (seed %i)',
    (seed) => {
      const random = randomFrom(seed)
      const queue = kind.makeQueue()
      let segments = [new Segment()]
      const front = (): Segment => segments[0] as Segment
      const back = (): Segment => segments.at(-1) as Segment
      const items = (): readonly Item[] => segments.flatMap((segment) => segment.items)
      const taken: TaskRecord[] = []
      let ids = 0
      let ahead = 0

      const itemOf = (record: TaskRecord): Item => ({
        id: record.id,
        order: record.order,
        key: Number(record.extras?.key ?? 0),
        inherits: record.has(inheritsPriority),
        isExempt: record.isExempt,
        level: record.level,
        record: () => record,
      })

      const makeRecord = (order: number, level: number): TaskRecord => {
        const flags = (random(2) === 0 ? inheritsPriority : 0) | (random(9) === 0 ? isBarrier : 0)
        const record = new TaskRecord(runner, ++ids, () => {}, queued | (level << levelShift) | flags, undefined)
        record.order = order
        if (kind.isKeyed) {
          record.extras = new TaskExtras()
          record.extras.key = random(4)
        }
        return record
      }

      const clock = { waitingSince: 0 }

      const push = (): void => {
        const record = makeRecord(ids + 1, random(3))
        queue.push(record, clock)
        const item = itemOf(record)
        back().items.push(item)
        back().place(item.key)
      }

      /** As a function alone, in a pack, where the queue takes it so. */
      const pushFunction = (): void => {
        const level = random(3)
        const traits = (level << levelShift) | inheritsPriority
        const pack = queue.packFor(runner, level, traits, clock) as TaskPack
        if (pack === undefined) {
          push()
          return
        }
        const id = ++ids
        const index = pack.push(() => {}, id, undefined, undefined, undefined)
        const record = (): TaskRecord => pack.recordAt(index)
        back().items.push({ id, order: id, key: 0, inherits: true, isExempt: false, level, record })
      }

      const unshift = (): void => {
        const record = makeRecord(--ahead, random(3))
        queue.unshift(record)
        const item = itemOf(record)
        front().items.unshift(item)
        front().place(item.key)
      }

      const leave = (item: Item): void => {
        const segment = segments.find((one) => one.items.includes(item)) as Segment
        segment.items = segment.items.filter((other) => other !== item)
        segment.place(item.key)
      }

      const take = (): void => {
        const record = queue.peek(0, Number.POSITIVE_INFINITY, false)
        const first = front().first(kind)
        expect(record?.id).toBe(first?.id)
        if (record === undefined || first === undefined) return
        expect(queue.levelOf(record)).toBe(kind.isKeyed ? front().levelOf(first.key) : first.level)
        queue.take(record, 0)
        if (kind.isKeyed) front().busy.add(first.key)
        leave(first)
        taken.push(record)
      }

      const remove = (): void => {
        const item = items()[random(items().length)]
        if (item === undefined) return
        queue.remove(item.record())
        leave(item)
      }

      const end = (): void => {
        const [record] = taken.splice(random(taken.length), 1)
        if (record === undefined) return
        queue.ended(record)
        const key = Number(record.extras?.key ?? 0)
        front().busy.delete(key)
        front().place(key)
      }

      const reprioritise = (): void => {
        const level = random(3)
        // The order of the keys is that in which each was first heard of, which the queue alone knows: those that move
        // take their turn behind the others.
        const ids = [...queue].map(({ id }) => id)
        queue.reprioritise(level)
        for (const segment of segments) {
          for (const item of segment.items) if (item.inherits) item.level = level
          if (!kind.isKeyed) segment.items.sort((a, b) => a.order - b.order)
          const keys = ids.map((id) => segment.items.find((item) => item.id === id)?.key)
          for (const key of new Set(keys)) if (key !== undefined) segment.place(key)
        }
      }

      const split = (): void => {
        queue.split(ids + 1)
        segments.push(new Segment())
      }

      const advance = (): void => {
        if (taken.length > 0) return
        queue.advance()
        while (front().items.length === 0 && segments.length > 1) segments = segments.slice(1)
      }

      const check = (): void => {
        expect(queue.size).toBe(items().length)
        const mayStart = front().turns.reduce((sum, { size }) => sum + size, 0)
        expect(queue.available).toBe(kind.isKeyed ? mayStart : front().items.length)
        expect(queue.highestLevel).toBe(Math.max(0, ...items().map(({ level }) => level)))
        expect(queue.oldest?.id).toBe(segments.find(({ oldest }) => oldest !== undefined)?.oldest?.id)
        const ids = [...queue].map(({ id }) => id)
        const expected = items().map(({ id }) => id)
        if (kind.isFifo) expect(ids).toEqual(expected)
        else expect(ids.toSorted((a, b) => a - b)).toEqual(expected.toSorted((a, b) => a - b))
      }

      const steps = [push, push, pushFunction, unshift, take, take, remove, end, reprioritise, split, advance]
      // Every third one is a long queue, whose tail waits in packs.
      for (let count = seed % 3 === 0 ? 1024 + random(300) : random(20); count > 0; count--) pushFunction()
      check()
      for (let count = 0; count < 400; count++) {
        ;(steps[random(steps.length)] as () => void)()
        if (count % 5 === 0 || items().length < 20) check()
      }
      while (items().length > 0) {
        take()
        end()
        advance()
      }
      expect([queue.size, [...queue]]).toEqual([0, []])
    },
  )
})
