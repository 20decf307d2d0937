import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeHeapSnapshot } from 'node:v8'
import { newQueue } from '@henrygd/queue'
import { SequencedTaskRunner } from '@posttask/core'
import * as fastq from 'fastq'
import pLimit from 'p-limit'
import PQueue from 'p-queue'
import { type Benchmark, benchmark, type Contender, type MeasureContext, type Sample } from './benchmark.ts'
import { syncClosure } from './closures.ts'
import { allocatedPer, heapAfterCollection, heapPer } from './heap.ts'
import { BareRing } from './peers/bare-ring.ts'
import { inlinePool, type PoolOptions, poolVariants } from './peers/inline-pool.ts'

/** Puts one task into a queue that does not move, and returns what its user would hold on to. */
type Put = () => unknown

const fill = (n: number, put: Put): unknown[] => {
  const held = new Array<unknown>(n)
  for (let i = 0; i < n; i++) held[i] = put()
  return held
}

/** Objects in the heap, by V8's own count. */
const countObjects = (): number => {
  const file = writeHeapSnapshot(join(tmpdir(), `posttask-${process.pid}.heapsnapshot`))
  const { snapshot } = JSON.parse(readFileSync(file, 'utf8')) as { snapshot: { node_count: number } }
  rmSync(file)
  return snapshot.node_count
}

const objectsPer = (n: number, put: Put): number => {
  const before = countObjects()
  const keep = [fill(n, put)]
  const after = countObjects()
  keep.length = 0
  return (after - before) / n
}

/** The result array is 8 bytes per task and not the queue's. */
const heapOfQueued =
  (make: () => Put) =>
  ({ n, case: { name } }: MeasureContext): Sample => {
    // A first queue grows the code and the caches that all share; it is dropped.
    fill(1000, make())
    if (name === 'allocation of postTask') {
      const bytes = allocatedPer(n, () => fill(n, make())) - 8
      return { allocatedBytes: bytes, objects: objectsPer(n, make()) }
    }
    const put = make()
    put()
    return { bytes: heapPer(n, () => fill(n, put)) - 8 }
  }

const pausedRunner = (options: PoolOptions): SequencedTaskRunner => {
  const runner = new SequencedTaskRunner(inlinePool(options))
  runner.pause()
  return runner
}
const never = new Promise<number>(() => {})
const neverClosure = (): Promise<number> => never
const neverDone = (): void => {}

/** What is asked is in the name of the case: `postTask` posts, `run` takes the promise. */
const byCase = (post: (() => Put) | undefined, run: (() => Put) | undefined): Pick<Contender, 'measure' | 'cases'> => ({
  measure: (context) => heapOfQueued((context.case.name === 'run' ? run : post) as () => Put)(context),
  cases: (name) => (name === 'run' ? run !== undefined : name === 'postTask' && post !== undefined),
})

const ours = (options: PoolOptions): Pick<Contender, 'measure' | 'nodeFlags'> => {
  const { measure } = byCase(
    () => {
      const runner = pausedRunner(options)
      return () => {
        runner.postTask(syncClosure)
        return undefined
      }
    },
    () => {
      const runner = pausedRunner(options)
      return () => runner.run(syncClosure)
    },
  )
  return {
    measure: (context) => (context.case.name === afterDrain ? leftBy(options, context.n) : measure(context)),
    // A young generation that takes a whole measurement: nothing is collected before it was counted.
    nodeFlags: ['--min-semi-space-size=128', '--max-semi-space-size=128'],
  }
}

const afterDrain = 'left after a drain of 1e6'

/** What a runner that stays keeps of tasks that are over. */
const leftBy = async (options: PoolOptions, n: number): Promise<Sample> => {
  const runner = new SequencedTaskRunner(inlinePool(options))
  await runner.run(syncClosure)
  const before = heapAfterCollection()
  for (let i = 0; i < n; i++) runner.postTask(syncClosure)
  await runner.waitIdle()
  const bytes = (heapAfterCollection() - before) / n
  await runner.close()
  return { bytes }
}

export default benchmark({
  id: 'B8',
  question: 'Heap per queued task; the closure is shared and not counted',
  cases: [
    { name: 'postTask', n: 1e5 },
    { name: 'run', n: 1e5 },
    { name: 'allocation of postTask', n: 1e5 },
    { name: afterDrain, n: 1e6 },
  ],
  contenders: [
    ...poolVariants.map(({ name, options }) => ({ name, package: '@posttask/core', ...ours(options) })),
    {
      name: 'bare ring',
      ...byCase(
        () => {
          const ring = new BareRing(1)
          ring.post(neverClosure)
          return () => ring.post(syncClosure)
        },
        () => {
          const ring = new BareRing(1)
          ring.post(neverClosure)
          return () => ring.run(syncClosure)
        },
      ),
    },
    {
      name: 'fastq callback',
      package: 'fastq',
      ...byCase(() => {
        const queue = fastq.default<unknown, () => number>(neverDone, 1)
        return () => queue.push(syncClosure)
      }, undefined),
    },
    {
      name: 'fastq.promise',
      package: 'fastq',
      ...byCase(undefined, () => {
        const queue = fastq.promise<unknown, () => number, number>(() => never, 1)
        return () => queue.push(syncClosure)
      }),
    },
    {
      name: '@henrygd/queue',
      package: '@henrygd/queue',
      ...byCase(undefined, () => {
        const queue = newQueue(1)
        void queue.add(neverClosure)
        return () => queue.add(syncClosure as unknown as () => Promise<number>)
      }),
    },
    {
      name: 'p-limit',
      package: 'p-limit',
      ...byCase(undefined, () => {
        const limit = pLimit(1)
        void limit(neverClosure)
        return () => limit(syncClosure)
      }),
    },
    {
      name: 'p-queue',
      package: 'p-queue',
      ...byCase(
        () => {
          const queue = new PQueue({ concurrency: 1, autoStart: false })
          return () => void queue.add(syncClosure as unknown as () => Promise<number>)
        },
        () => {
          const queue = new PQueue({ concurrency: 1, autoStart: false })
          return () => queue.add(syncClosure as unknown as () => Promise<number>)
        },
      ),
    },
  ],
}) satisfies Benchmark
