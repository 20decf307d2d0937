import { SequencedTaskRunner } from '@posttask/core'
import { type Benchmark, benchmark, type MeasureContext, type Sample } from './benchmark.ts'
import { noop } from './closures.ts'
import { heapPer } from './heap.ts'
import { inlinePool, poolVariants } from './peers/inline-pool.ts'
import { percentile } from './statistics.ts'
import { timed } from './timed.ts'

/** A place for delayed tasks. */
interface Timers<Handle> {
  set(closure: () => void, delay: number): Handle
  cancel(handle: Handle): void
}

/** 0 to n-1 in an order without pattern: distinct delays, and the order in which they are cancelled. */
const permutation = (n: number, seed: number): Uint32Array => {
  const order = new Uint32Array(n).map((_, i) => i)
  let state = seed
  for (let i = n - 1; i > 0; i--) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    const j = state % (i + 1)
    ;[order[i], order[j]] = [order[j] as number, order[i] as number]
  }
  return order
}

/** Later than any measurement takes: nothing falls due by accident. */
const farAway = 3_600_000

/** They are made once: as in a program, they are warm. */
const measureTimers = <Handle>(make: () => Timers<Handle>): ((context: MeasureContext) => Promise<Sample>) => {
  let made: Timers<Handle> | undefined
  return async ({ n }) => {
    made ??= make()
    const timers = made
    const delays = permutation(n, 1)
    const order = permutation(n, 2)
    let handles: Handle[] = []
    const setAll = (): Handle[] => Array.from(delays, (delay) => timers.set(noop, farAway + delay))
    const cancelAll = (): void => {
      for (const i of order) timers.cancel(handles[i] as Handle)
      handles = []
    }

    const { cpuNs: postNs = 0 } = await timed(n, () => {
      handles = setAll()
    })
    const { cpuNs: cancelNs = 0 } = await timed(n, cancelAll)
    const bytes = heapPer(n, () => (handles = setAll())) - 8
    cancelAll()
    return { postNs, cancelNs, fireNs: await fire(timers, delays), bytes, latenessP99Ms: await lateness(timers, delays) }
  }
}

/** The loop is blocked until all are due, then let go: what firing costs, without the waiting. */
const fire = async <Handle>(timers: Timers<Handle>, delays: Uint32Array): Promise<number> => {
  const n = delays.length
  let left = n
  let allFired: () => void = noop
  const fired = new Promise<void>((resolve) => {
    allFired = resolve
  })
  const count = (): void => {
    if (--left === 0) allFired()
  }
  const spread = 1000 / n
  for (const delay of delays) timers.set(count, 1 + Math.floor(delay * spread))
  const end = performance.now() + 1010
  while (performance.now() < end);
  const { cpuNs = 0 } = await timed(n, () => fired)
  return cpuNs
}

/** Delays over two seconds, nothing else to do: how late each comes. */
const lateness = async <Handle>(timers: Timers<Handle>, delays: Uint32Array): Promise<number> => {
  const n = delays.length
  const late = new Float64Array(n)
  let left = n
  await new Promise<void>((resolve) => {
    const spread = 2000 / n
    for (const index of delays) {
      const delay = 500 + Math.floor(index * spread)
      const due = performance.now() + delay
      timers.set(() => {
        late[index] = performance.now() - due
        if (--left === 0) resolve()
      }, delay)
    }
  })
  return percentile([...late], 0.99)
}

export default benchmark({
  id: 'B6',
  question: 'Delayed tasks, distinct delays: post, cancel, fire, heap, lateness',
  cases: [
    { name: '1e5', n: 1e5 },
    { name: '1e4', n: 1e4 },
  ],
  contenders: [
    ...poolVariants.map(({ name, options }) => ({
      name,
      package: '@posttask/core',
      measure: measureTimers(() => {
        const runner = new SequencedTaskRunner(inlinePool(options))
        return {
          set: (closure, delay) => runner.postDelayedTask(closure, delay),
          cancel: (handle) => void handle.cancel(),
        }
      }),
    })),
    {
      name: 'setTimeout',
      measure: measureTimers(() => ({
        set: setTimeout as (closure: () => void, delay: number) => NodeJS.Timeout,
        cancel: clearTimeout,
      })),
    },
  ],
}) satisfies Benchmark
