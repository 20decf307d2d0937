import { describe, expect, test } from 'vitest'
import type { Clock, TimerHandle } from '../src/clock.ts'
import { type DelayEntry, DelayQueue } from '../src/delay-queue.ts'
import { randomFrom } from './fixtures/random.ts'

/** A clock that the test moves, and whose timers it sees. */
class HandClock implements Clock {
  time = 0
  /** How many were set so far. */
  timersSet = 0
  timers: { readonly at: number; readonly unref: boolean | undefined; readonly fire: () => void }[] = []
  readonly nextPump?: (callback: () => void) => void

  constructor(kind: 'host' | 'driven' = 'host') {
    if (kind === 'driven') this.nextPump = () => {}
  }

  now(): number {
    return this.time
  }

  setTimer(delay: number, fire: () => void, options?: { readonly unref?: boolean | undefined }): TimerHandle {
    const timer = { at: this.time + delay, unref: options?.unref, fire }
    this.timersSet++
    this.timers.push(timer)
    return { cancel: () => void (this.timers = this.timers.filter((other) => other !== timer)) }
  }

  nextTurn(): void {}

  get wakesAt(): readonly number[] {
    return this.timers.map(({ at }) => at)
  }

  /** Time passes, and the timers that are due fire. */
  advanceTo(time: number): void {
    this.time = time
    for (;;) {
      const timer = this.timers.find(({ at }) => at <= time)
      if (timer === undefined) return
      this.timers = this.timers.filter((other) => other !== timer)
      timer.fire()
    }
  }
}

interface Entry extends DelayEntry {
  readonly due: number
}

const entries = (seen: number[]) => {
  let ids = 0
  return (due: number): Entry => {
    const id = ++ids
    return { id, due, order: 0, onDue: () => void seen.push(id) }
  }
}

const inOrder = (waiting: readonly Entry[]): number[] =>
  waiting.toSorted((a, b) => a.due - b.due || a.id - b.id).map(({ id }) => id)

describe.each(['host', 'driven'] as const)('the delay queue on a %s clock', (kind) => {
  test.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'D1 a thousand entries come and go by the hundred, and fall due as a sorted list says (seed %i)',
    (seed) => {
      const random = randomFrom(seed)
      const clock = new HandClock(kind)
      const queue = new DelayQueue(clock)
      const seen: number[] = []
      const entry = entries(seen)
      let waiting: Entry[] = []
      const checkNext = (): void => {
        const next = waiting.length === 0 ? undefined : Math.min(...waiting.map(({ due }) => due))
        expect([queue.size, queue.nextDue]).toEqual([waiting.length, next])
        if (next === undefined) expect(clock.wakesAt).toEqual([])
        else if (kind === 'driven') expect(clock.wakesAt).toEqual([next])
        else expect([clock.timers.length, (clock.wakesAt[0] as number) <= next]).toEqual([1, true])
      }
      for (let round = 0; round < 10; round++) {
        for (let count = random(400); count > 0; count--) {
          const added = entry(clock.time + random(50))
          waiting.push(added)
          queue.add(added, added.due)
        }
        checkNext()
        // Now a few, now nearly all.
        for (let count = random(2) * random(waiting.length + 1) + random(9); count > 0 && waiting.length > 0; count--) {
          const [removed] = waiting.splice(random(waiting.length), 1)
          queue.remove(removed as Entry)
          if (count % 8 === 0) checkNext()
        }
        checkNext()
        const before = seen.length
        clock.advanceTo(clock.time + random(12))
        expect(seen.slice(before)).toEqual(inOrder(waiting.filter(({ due }) => due <= clock.time)))
        waiting = waiting.filter(({ due }) => due > clock.time)
        checkNext()
      }
      const before = seen.length
      clock.advanceTo(clock.time + 50)
      expect(seen.slice(before)).toEqual(inOrder(waiting))
      expect([queue.size, queue.nextDue, clock.timers.length]).toEqual([0, undefined, 0])
    },
  )

  test('D1 D3 of those that are due at the same time the one of the lowest id goes first, also when it came last', () => {
    const clock = new HandClock(kind)
    const queue = new DelayQueue(clock)
    const seen: number[] = []
    const entry = entries(seen)
    const all = Array.from({ length: 12 }, () => entry(5))
    for (const one of all.toReversed()) queue.add(one, one.due)
    clock.advanceTo(5)
    expect(seen).toEqual(all.map(({ id }) => id))
  })

  test('D1 C1 whatever number is left when most of many were cancelled falls due in order', () => {
    const random = randomFrom(3)
    for (let count = 65; count < 265; count++) {
      const clock = new HandClock(kind)
      const queue = new DelayQueue(clock)
      const seen: number[] = []
      const entry = entries(seen)
      let waiting = Array.from({ length: count }, () => entry(random(1000)))
      for (const one of waiting) queue.add(one, one.due)
      const removed = new Set(waiting.toSorted(() => random(3) - 1).slice(0, Math.floor(count / 2) + 1 + random(30)))
      for (const one of removed) queue.remove(one)
      waiting = waiting.filter((one) => !removed.has(one))
      clock.advanceTo(1000)
      expect(seen).toEqual(inOrder(waiting))
    }
  })

  test('D1 C1 an entry that the cancelling of others moves to the end of the heap still falls due', () => {
    const clock = new HandClock(kind)
    const queue = new DelayQueue(clock)
    const seen: number[] = []
    const entry = entries(seen)
    // A heap of 67: all that is late lies below the first child. Half of it goes, so the late one that stays sinks to the
    // end, beside the place of one that went and was less late.
    const dueAt = (index: number): number => {
      if (index === 0) return 0
      if (index === 5) return 5000
      if (index === 1 || (index > 5 && index < 9)) return 1000
      if (index > 20 && index < 37) return index < 25 ? 6000 : 1001
      if (index < 5) return 10
      if (index < 21) return 20
      return index === 42 ? 50 : index > 38 && index < 42 ? 900 : 100
    }
    const heap = Array.from({ length: 67 }, (_, index) => entry(dueAt(index)))
    for (const one of heap) queue.add(one, one.due)
    const stays = (index: number): boolean => index === 0 || index === 5 || index === 20 || index > 36
    for (const [index, one] of heap.entries()) if (!stays(index)) queue.remove(one)
    clock.advanceTo(5000)
    expect(seen).toEqual(inOrder(heap.filter((_, index) => stays(index))))
  })

  test('D1 C1 an entry that is removed twice, or when it fell due, takes no other along', () => {
    const clock = new HandClock(kind)
    const queue = new DelayQueue(clock)
    const seen: number[] = []
    const entry = entries(seen)
    const [first, second, third] = [entry(1), entry(2), entry(3)]
    for (const one of [first, second, third]) queue.add(one, one.due)
    queue.remove(second)
    queue.remove(second)
    expect(queue.size).toBe(2)
    clock.advanceTo(1)
    queue.remove(first)
    expect([queue.size, queue.nextDue]).toEqual([1, 3])
    clock.advanceTo(3)
    expect(seen).toEqual([1, 3])
  })

  test('D1 what removes and adds others while it falls due is heard', () => {
    const clock = new HandClock(kind)
    const queue = new DelayQueue(clock)
    const seen: number[] = []
    const entry = entries(seen)
    const [first, victim, last] = [entry(5), entry(5), entry(9)]
    const onDue = (): void => {
      queue.remove(victim)
      const atOnce = entry(5)
      queue.add(atOnce, atOnce.due)
      first.onDue()
    }
    queue.add({ ...first, onDue }, first.due)
    for (const one of [victim, last]) queue.add(one, one.due)
    clock.advanceTo(5)
    expect([seen, queue.nextDue, clock.wakesAt]).toEqual([[1, 4], 9, [9]])
  })

  test('D5 cleared, it has no entry and no timer, and takes new ones', () => {
    const clock = new HandClock(kind)
    const queue = new DelayQueue(clock)
    const seen: number[] = []
    const entry = entries(seen)
    const old = Array.from({ length: 100 }, (_, index) => entry(index))
    for (const one of old) queue.add(one, one.due)
    queue.clear()
    expect([queue.size, queue.nextDue, clock.timers]).toEqual([0, undefined, []])
    queue.remove(old[0] as Entry)
    expect(queue.size).toBe(0)
    const one = entry(40)
    queue.add(one, one.due)
    clock.advanceTo(40)
    expect(seen).toEqual([101])
  })

  test('E3 its timer does not keep the process alive', () => {
    const clock = new HandClock(kind)
    new DelayQueue(clock).add(entries([])(5), 5)
    expect(clock.timers).toMatchObject([{ at: 5, unref: true }])
  })

  test('D1 what is due already, or in the past, has a timer of no delay', () => {
    const clock = new HandClock(kind)
    clock.time = 100
    new DelayQueue(clock).add(entries([])(40), 40)
    expect(clock.wakesAt).toEqual([100])
  })
})

describe('the host timer', () => {
  test('D1 one at a time: an earlier entry moves it, a later one or one at the same time does not', () => {
    const clock = new HandClock()
    const queue = new DelayQueue(clock)
    const entry = entries([])
    const wakes = [50, 60, 50, 40].map((due) => {
      queue.add(entry(due), due)
      return [clock.wakesAt, clock.timersSet]
    })
    expect(wakes).toEqual([
      [[50], 1],
      [[50], 1],
      [[50], 1],
      [[40], 2],
    ])
  })

  test('D1 stays where it was when the earliest entry goes, and wakes up in vain', () => {
    const clock = new HandClock()
    const queue = new DelayQueue(clock)
    const seen: number[] = []
    const entry = entries(seen)
    const first = entry(10)
    queue.add(first, first.due)
    queue.add(entry(30), 30)
    queue.remove(first)
    expect([clock.wakesAt, clock.timersSet]).toEqual([[10], 1])
    clock.advanceTo(10)
    expect([seen, clock.wakesAt, clock.timersSet]).toEqual([[], [30], 2])
  })

  test('D1 is set again for the rest of the time when it fires early', () => {
    const clock = new HandClock()
    const queue = new DelayQueue(clock)
    const seen: number[] = []
    queue.add(entries(seen)(10), 10)
    clock.time = 9.5
    clock.timers.pop()?.fire()
    expect([seen, clock.wakesAt]).toEqual([[], [10]])
  })

  test('D1 an entry that is added while others fall due sets it once', () => {
    const clock = new HandClock()
    const queue = new DelayQueue(clock)
    const entry = entries([])
    queue.add({ ...entry(5), onDue: () => queue.add(entry(7), 7) }, 5)
    queue.add(entry(9), 9)
    expect(clock.timersSet).toBe(1)
    clock.advanceTo(5)
    expect([clock.wakesAt, clock.timersSet]).toEqual([[7], 2])
  })
})

describe('a driven clock', () => {
  test('D1 is led to the next entry when the earliest goes, and is left alone when a later one does', () => {
    const clock = new HandClock('driven')
    const queue = new DelayQueue(clock)
    const entry = entries([])
    const [first, second, third] = [entry(10), entry(20), entry(30)]
    for (const one of [first, second, third]) queue.add(one, one.due)
    queue.remove(second)
    expect([clock.wakesAt, clock.timersSet]).toEqual([[10], 1])
    queue.remove(first)
    expect([clock.wakesAt, clock.timersSet]).toEqual([[30], 2])
    queue.remove(third)
    expect([clock.wakesAt, clock.timersSet]).toEqual([[], 2])
  })
})

describe('what is removed', () => {
  const collectGarbage = globalThis.gc as () => void

  test('D5 C1 an entry is let go of at once, whatever waits beside it', async () => {
    const queue = new DelayQueue(new HandClock())
    const entry = entries([])
    queue.add(entry(1), 1)
    const refs = Array.from({ length: 30 }, (_, index) => {
      const one = entry(10 + index)
      queue.add(one, one.due)
      if (index % 3 === 0) queue.remove(one)
      return new WeakRef(one)
    })
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    expect(refs.map((ref) => ref.deref() === undefined)).toEqual(refs.map((_, index) => index % 3 === 0))
    expect(queue.size).toBe(21)
  })

  test('D5 the room of a burst comes back when it was cancelled', async () => {
    const queue = new DelayQueue(new HandClock())
    const entry = entries([])
    const kept = entry(0)
    queue.add(kept, kept.due)
    const burst = Array.from({ length: 100_000 }, (_, index) => entry(index + 1))
    for (const one of burst) queue.add(one, one.due)
    const collected = async (): Promise<number> => {
      await new Promise((resolve) => setImmediate(resolve))
      collectGarbage()
      return process.memoryUsage().arrayBuffers
    }
    // 131,072 numbers of 8 bytes, and as many of 4; what growing left behind goes first.
    for (let turn = 0; turn < 3; turn++) await collected()
    const held = await collected()
    for (const one of burst) queue.remove(one)
    let left = await collected()
    for (let turn = 0; turn < 20 && held - left < 1_500_000; turn++) left = await collected()
    expect(held - left).toBeGreaterThan(1_500_000)
    expect([queue.size, queue.nextDue]).toEqual([1, 0])
  })
})
