import { mkdir, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { taskModule } from '@posttask/core'
import { TraceRecorder } from '@posttask/diagnostics'
import { type Inspector, startInspector } from '@posttask/inspector'
import type { IndexCommand } from './arguments.ts'
import { defaultDatabase } from './default-database.ts'
import { watchHealth } from './health.ts'
import { indexTree, surveyTree } from './index-tree.ts'
import { Interrupt } from './interrupt.ts'
import { printable } from './printable.ts'
import { Progress } from './progress.ts'
import { openRunners, type Runners } from './runners.ts'
import type { Screen } from './screen.ts'

const database = taskModule<typeof import('./database.ts')>(new URL('./database.ts', import.meta.url))
const defaultDirectory = fileURLToPath(new URL('../../../../node_modules', import.meta.url))

/** Indexes a tree and shows how it goes. Returns the exit code: 0, or 130 after Ctrl-C. Rejects where the run as a whole failed. */
export async function runIndexCommand(command: IndexCommand, screen: Screen): Promise<number> {
  const { backend, jobs, maxSize, trace, inspect } = command
  const root = await findRoot(command.directory ?? defaultDirectory)
  const file = command.database ?? defaultDatabase(root, process.env)
  await mkdir(dirname(file), { recursive: true })

  const endHealth = watchHealth()
  const runners = await openRunners(backend, jobs, inspect !== undefined)
  let inspector: Inspector | undefined
  const recorder = trace === undefined ? undefined : new TraceRecorder(runners.pools)
  const progress = new Progress(runners.ui, screen)
  const interrupt = new Interrupt({ first: () => progress.stopping(), second: () => void runners.terminate() })
  try {
    if (inspect !== undefined) inspector = await openInspector(runners, inspect)
    await runners.database.run(database.open(file))
    screen.started(root, file, backend)
    progress.begin()
    // The survey ends with the run, be it that it is not done by then.
    const done = new AbortController()
    const request = { root, limits: { maxSize, exclude: await filesOf(file) }, signal: interrupt.signal }
    const survey = surveyTree({ ...request, signal: eitherOf(interrupt.signal, done) }, runners, progress)
    await indexTree(request, runners, progress)
    done.abort()
    await survey
    const searchable = await runners.database.run(database.count())
    await runners.database.run(database.close())
    await progress.end()
    const { figures } = progress.tally
    const elapsedMs = progress.elapsedMs
    const wasInterrupted = interrupt.signal.aborted
    const health = endHealth()
    screen.finished({
      root,
      database: file,
      backend,
      jobs,
      elapsedMs,
      wasInterrupted,
      figures,
      searchable,
      health,
      runners: runners.stats(),
    })
    await runners.close()
    return wasInterrupted ? Interrupt.exitCode : 0
  } catch (error) {
    await runners.terminate()
    if (interrupt.wasRepeated) return Interrupt.exitCode
    throw error
  } finally {
    interrupt.dispose()
    await inspector?.[Symbol.asyncDispose]()
    if (trace !== undefined) await recorder?.writeTrace(trace)
  }
}

async function openInspector({ pools, executor }: Runners, port: number): Promise<Inspector> {
  const inspector = await startInspector(pools, { port, executors: [executor] })
  process.stderr.write(`inspector: ${inspector.url}\n`)
  return inspector
}

async function findRoot(path: string): Promise<string> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new Error(`there is no directory ${printable(path)}`)
    throw new Error(`the directory ${printable(path)} cannot be read (${error.code})`)
  })
  if (!found.isDirectory()) throw new Error(`${printable(path)} is not a directory`)
  return realpath(path)
}

/** The files that make up an index, by the names the walk would find them under. */
async function filesOf(file: string): Promise<ReadonlySet<string>> {
  const real = await realpath(file)
  return new Set(['', '-wal', '-shm', '-journal'].map((suffix) => real + suffix))
}

function eitherOf(signal: AbortSignal, controller: AbortController): AbortSignal {
  if (signal.aborted) controller.abort()
  signal.addEventListener('abort', () => controller.abort(), { once: true })
  return controller.signal
}
