import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { selectBenchmarks } from './catalog.ts'
import { loadBenchmark } from './load-benchmark.ts'

/** The part of a V8 CPU profile that is read. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Prints the functions with the most self time, in ms and percent. */
const printHottest = (profile: CpuProfile, count: number): void => {
  const selfTime = new Map<string, number>()
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  let total = 0
  for (const [index, id] of profile.samples.entries()) {
    const frame = frames.get(id)
    if (frame === undefined || frame.functionName === '(idle)') continue
    const place = frame.url === '' ? '' : ` ${frame.url.split('/').slice(-3).join('/')}:${frame.lineNumber + 1}`
    const key = `${frame.functionName || '(anonymous)'}${place}`
    const time = profile.timeDeltas[index] as number
    total += time
    selfTime.set(key, (selfTime.get(key) ?? 0) + time)
  }
  const hottest = [...selfTime].sort(([, a], [, b]) => b - a).slice(0, count)
  for (const [key, time] of hottest) {
    console.log(`${((100 * time) / total).toFixed(1).padStart(5)} % ${(time / 1e3).toFixed(0).padStart(7)} ms  ${key}`)
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { contender: { type: 'string' }, rounds: { type: 'string', default: '5' }, top: { type: 'string', default: '25' } },
})
const [word, wantedCase] = positionals
if (word === undefined)
  throw new RangeError('usage: pnpm run profile BENCHMARK [CASE] [--contender NAME] [--rounds 5] [--top 25]')
const [name = ''] = selectBenchmarks([word])
const { cases, contenders } = await loadBenchmark(name)
const contender = values.contender ?? contenders.find((one) => one.name.startsWith('posttask'))?.name ?? ''
const caseName = wantedCase ?? cases[0]?.name ?? ''
const folder = mkdtempSync(join(tmpdir(), 'posttask-profile-'))
const child = fileURLToPath(new URL('./child.js', import.meta.url))
console.log(`${name}, ${caseName}, ${contender}`)
const { status } = spawnSync(
  process.execPath,
  [
    '--expose-gc',
    '--cpu-prof',
    '--cpu-prof-interval=200',
    `--cpu-prof-dir=${folder}`,
    child,
    name,
    contender,
    caseName,
    values.rounds,
  ],
  { stdio: 'inherit' },
)
if (status !== 0) throw new Error(`the profiled process ended with ${status}`)
// A thread writes a profile of its own.
for (const file of readdirSync(folder).sort()) {
  console.log(`\n${join(folder, file)}`)
  printHottest(JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile, Number(values.top))
}
