import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { type Benchmark, benchmark, type Contender } from './benchmark.ts'

/** What a program that says this carries with it: bundled, minified, gzipped. */
const sizeOf = async (source: string): Promise<{ gzipBytes: number }> => {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
  })
  return { gzipBytes: gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length }
}

const contender = (name: string, packageName: string, source: string): Contender => ({
  name,
  package: packageName,
  measure: () => sizeOf(source),
})

export default benchmark({
  id: 'B13',
  question: 'Size of what is imported: bundled, minified and gzipped',
  cases: [{ name: 'size', n: 1 }],
  rounds: 1,
  contenders: [
    contender('posttask', '@posttask/core', `export * from '@posttask/core'`),
    contender(
      'posttask, runners and pool',
      '@posttask/core',
      `export { ThreadPool, SequencedTaskRunner, ParallelTaskRunner } from '@posttask/core'`,
    ),
    contender('fastq', 'fastq', `export { default } from 'fastq'`),
    contender('p-queue', 'p-queue', `export { default } from 'p-queue'`),
    contender('tinypool', 'tinypool', `export * from 'tinypool'`),
    contender('piscina', 'piscina', `export * from 'piscina'`),
    contender('Effect semaphore', 'effect', `export { Effect, Semaphore } from 'effect'`),
  ],
}) satisfies Benchmark
