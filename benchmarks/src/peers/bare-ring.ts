const resolved = Promise.resolve()

type Job = () => unknown

/** A job whose outcome somebody waits for. */
interface RunJob {
  readonly job: Job
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
}

/**
 * The physical limit, to measure against: an array ring, one microtask per drain, no promise per post, one
 * `new Promise` per run. No priorities, no cancelling, no errors of posted jobs, no turn for the event loop.
 */
export class BareRing {
  readonly #concurrency: number
  #ring = new Array<Job | RunJob | undefined>(1024).fill(undefined)
  #head = 0
  #tail = 0
  #active = 0
  #isScheduled = false
  readonly #drain = (): void => {
    this.#isScheduled = false
    while (this.#active < this.#concurrency && this.#head !== this.#tail) this.#start(this.#shift())
  }

  constructor(concurrency: number) {
    this.#concurrency = concurrency
  }

  post(job: Job): void {
    this.#push(job)
  }

  run<T>(job: () => T | PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => this.#push({ job, resolve: resolve as RunJob['resolve'], reject }))
  }

  #push(entry: Job | RunJob): void {
    const mask = this.#ring.length - 1
    this.#ring[this.#tail] = entry
    this.#tail = (this.#tail + 1) & mask
    if (this.#tail === this.#head) this.#grow()
    this.#schedule()
  }

  #shift(): Job | RunJob {
    const entry = this.#ring[this.#head] as Job | RunJob
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    return entry
  }

  #schedule(): void {
    if (this.#isScheduled || this.#active >= this.#concurrency) return
    this.#isScheduled = true
    void resolved.then(this.#drain)
  }

  #start(entry: Job | RunJob): void {
    if (typeof entry === 'function') {
      const result = entry()
      if (result instanceof Promise) this.#settleLater(result)
      return
    }
    try {
      const result = entry.job()
      if (result instanceof Promise) this.#settleLater(result, entry)
      else entry.resolve(result)
    } catch (error) {
      entry.reject(error)
    }
  }

  #settleLater(result: Promise<unknown>, entry?: RunJob): void {
    this.#active++
    void result.then(
      (value) => {
        this.#active--
        entry?.resolve(value)
        this.#schedule()
      },
      (error: unknown) => {
        this.#active--
        entry?.reject(error)
        this.#schedule()
      },
    )
  }

  /** Full: twice the room, the oldest entry first. */
  #grow(): void {
    const old = this.#ring
    const ring = new Array<Job | RunJob | undefined>(old.length * 2)
    for (let i = 0; i < old.length; i++) ring[i] = old[(this.#head + i) & (old.length - 1)]
    for (let i = old.length; i < ring.length; i++) ring[i] = undefined
    this.#ring = ring
    this.#head = 0
    this.#tail = old.length
  }
}
