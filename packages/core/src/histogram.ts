/** A summary of durations, in milliseconds. */
export interface DurationStats {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

const stepsPerOctave = 4
const smallestMs = 2 ** -10
const buckets = 160

/** Durations in logarithmic buckets, four to an octave from a microsecond up: exact within 19 %, in constant memory. */
export class Histogram {
  readonly #counts = new Uint32Array(buckets)
  #total = 0
  #max = 0

  record(ms: number): void {
    const octaves = Math.log2(Math.max(ms, smallestMs) / smallestMs)
    const index = Math.min(buckets - 1, Math.floor(octaves * stepsPerOctave))
    this.#counts[index] = (this.#counts[index] as number) + 1
    this.#total++
    if (ms > this.#max) this.#max = ms
  }

  summary(): DurationStats {
    return { p50: this.#percentile(0.5), p99: this.#percentile(0.99), max: this.#max }
  }

  #percentile(share: number): number {
    if (this.#total === 0) return 0
    let below = 0
    let index = 0
    for (; index < buckets - 1; index++) {
      below += this.#counts[index] as number
      if (below >= share * this.#total) break
    }
    return Math.min(this.#max, smallestMs * 2 ** ((index + 1) / stepsPerOctave))
  }
}
