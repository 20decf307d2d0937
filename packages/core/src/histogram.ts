/** A summary of durations, in milliseconds. */
export interface DurationStats {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Buckets of equal width to an octave. */
const steps = 8
const stepBits = 3
/** The unit of the finer durations: an eighth of a microsecond, about, so that the octave from one on has all its steps. */
const unitsPerMs = 2 ** 13
/** From here on, in ms, the unit is the millisecond. */
const coarseMs = 2 ** 17
const mostUnits = 2 ** 31 - 1
const coarseOctaves = Math.log2(unitsPerMs)
const octaves = 41
const buckets = octaves * steps

/** Integer arithmetic: a logarithm would cost as much as the rest of a measurement. */
const bucketOf = (ms: number): number => {
  const isCoarse = ms >= coarseMs
  const units = Math.min(mostUnits, Math.max(steps, isCoarse ? ms : ms * unitsPerMs)) | 0
  const octave = 31 - Math.clz32(units)
  const step = (units >> (octave - stepBits)) & (steps - 1)
  return (octave - stepBits + (isCoarse ? coarseOctaves : 0)) * steps + step
}

const endOf = (bucket: number): number => {
  const octave = Math.floor(bucket / steps) + stepBits
  return (2 ** octave * (1 + ((bucket % steps) + 1) / steps)) / unitsPerMs
}

/** Durations in buckets, eight to an octave from a microsecond up: exact within 12.5 %, in constant memory. */
export class Histogram {
  readonly #counts = new Uint32Array(buckets)
  #total = 0
  #max = 0

  record(ms: number): void {
    const index = bucketOf(ms)
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
    return Math.min(this.#max, endOf(index))
  }
}
