import type { Executor, ThreadPool } from '@posttask/core'
import { InspectorServer } from './inspector-server.ts'
import { readPageFiles } from './page-files.ts'
import { PoolWatch } from './pool-watch.ts'
import { Sampler } from './sampler.ts'
import { isThreadHolder } from './thread-holder.ts'
import { TraceRecording } from './trace-recording.ts'
import { Watchers } from './watchers.ts'

/** Options of an inspector. */
export interface InspectorOptions {
  /** Where it listens, on 127.0.0.1. Default: a free port. */
  readonly port?: number | undefined
  /** Executors of the pools: their threads are shown where they have `stats()`. */
  readonly executors?: readonly Executor<never>[] | undefined
  /** Of each pool so many runners are shown, the busiest, with the sums of the rest. Default 40. */
  readonly maxRunners?: number | undefined
  /** The most tasks of a trace. Default 20,000, some 6 MB of file. */
  readonly maxTraceTasks?: number | undefined
}

/** A running inspector. Disposing it closes the page, resumes what was paused there, and resolves when nothing is left. */
export interface Inspector extends AsyncDisposable {
  /** To be opened in a browser. It has the token without which the page shows everything and can do nothing. */
  readonly url: string
}

/**
 * Serves one live page of what pools do, on loopback: runners as lanes, queues, running tasks with their age and, with
 * `traceOrigin`, their posting site, percentiles, threads. With the token of its URL the page also pauses and resumes
 * runners and records traces. Tasks are observed while a page is open, and cost nothing otherwise. It never keeps the
 * process alive.
 *
 * @throws (as a rejection) the error of Node where the port is taken
 *
 * @example
 * ```ts
 * await using inspector = await startInspector(pool)
 * console.log(inspector.url)
 * ```
 */
export const startInspector = async (
  pools: ThreadPool<never> | readonly ThreadPool<never>[],
  options: InspectorOptions = {},
): Promise<Inspector> => {
  const { port = 0, executors = [], maxRunners = 40, maxTraceTasks = 20_000 } = options
  const all: readonly ThreadPool<never>[] = 'addObserver' in pools ? [pools] : pools
  const start = performance.now()
  const now = (): number => performance.now() - start
  let lastId = 0
  const watches = all.map((pool) => new PoolWatch(pool, { maxRunners, now, nextId: () => ++lastId }))
  const recording = new TraceRecording(all, maxTraceTasks)
  const watchers = new Watchers((isWatched) => (isWatched ? sampler.start() : sampler.stop()))
  const sampler = new Sampler({
    pools: watches,
    executors: executors.filter(isThreadHolder),
    recording: () => recording.state,
    now,
    send: (snapshot) => watchers.send(snapshot),
  })
  const server = new InspectorServer({
    files: await readPageFiles(),
    watchers,
    report: () => `${all.map((pool) => pool.describe()).join('\n\n')}\n`,
    setPaused: (id, isPaused) => {
      const found = watches.map((watch) => watch.find(id)).find((watch) => watch !== undefined)
      if (isPaused) return found?.pause() ?? false
      found?.resume()
      return found !== undefined
    },
    startTrace: () => recording.start(),
    stopTrace: () => recording.stop(),
  })
  const url = await server.listen(port)
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      sampler.stop()
      recording[Symbol.dispose]()
      for (const watch of watches) watch.resumeAll()
      await server.close()
    },
  }
}
