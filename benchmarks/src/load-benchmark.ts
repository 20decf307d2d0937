import type { Benchmark } from './benchmark.ts'

/** Loads a benchmark from the built folder: there each is a file of its own. */
export const loadBenchmark = async (name: string): Promise<Benchmark> => {
  const module = (await import(new URL(`./${name}.js`, import.meta.url).href)) as { default: Benchmark }
  return module.default
}
