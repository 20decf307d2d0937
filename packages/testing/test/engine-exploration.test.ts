import {
  ParallelTaskRunner,
  RunnerClosedError,
  SequencedTaskRunner,
  TaskCancelledError,
  type TaskHandle,
  type TaskRunner,
} from '@posttask/core'
import { type ExploreEnvironment, explore } from '@posttask/testing'
import { describe, expect, test } from 'vitest'

type Client = (program: Program) => Promise<void>

/** A runner, what clients do to it, and what the rules say must have happened. */
class Program {
  readonly env: ExploreEnvironment
  readonly runner: TaskRunner
  readonly handles = new Map<string, TaskHandle>()
  readonly #slots: number
  readonly #posted: string[] = []
  readonly #started: string[] = []
  readonly #cancelled = new Set<string>()
  readonly #outcomes: Promise<void>[] = []
  #inside = 0
  #isClosed = false
  #pauses = 0

  constructor(env: ExploreEnvironment, slots: number) {
    this.env = env
    this.#slots = slots
    this.runner = slots === 1 ? new SequencedTaskRunner(env.pool) : new ParallelTaskRunner(env.pool, { maxConcurrency: slots })
  }

  async post(name: string): Promise<void> {
    await this.env.point(`post ${name}`)
    const wasClosed = this.#isClosed
    const outcome = this.runner.run(
      async (context) => {
        this.handles.set(name, context as unknown as TaskHandle)
        this.#start(name)
        await this.env.point(`work of ${name}`)
        this.#inside--
      },
      { name },
    )
    if (!wasClosed) this.#posted.push(name)
    this.#outcomes.push(
      outcome.then(
        () => expect(this.#started).toContain(name),
        (error: unknown) => {
          if (wasClosed) expect(error).toBeInstanceOf(RunnerClosedError)
          else expect(error).toBeInstanceOf(this.#cancelled.has(name) ? TaskCancelledError : RunnerClosedError)
          if (wasClosed) expect(this.#started).not.toContain(name)
        },
      ),
    )
  }

  /** Posts a task that can be cancelled by its handle. */
  async postForCancel(name: string): Promise<void> {
    await this.env.point(`post ${name}`)
    const wasClosed = this.#isClosed
    const handle = this.runner.postTask(() => this.#start(name, true), { name })
    if (wasClosed) expect(handle.state).toBe('rejected')
    else this.#posted.push(name)
    this.handles.set(name, handle)
  }

  async cancel(name: string): Promise<void> {
    await this.env.point(`cancel ${name}`)
    const handle = this.handles.get(name)
    const before = handle?.state
    const hadEffect = handle?.cancel()
    if (before === 'queued') {
      expect(hadEffect).toBe(true)
      this.#cancelled.add(name)
      expect(handle?.state).toBe('cancelled')
    }
  }

  async close(): Promise<void> {
    await this.env.point('close')
    const closed = this.runner.close()
    this.#isClosed = true
    await closed
    // W5: what was accepted has run or was cancelled; nothing is inside.
    expect(this.#inside).toBe(0)
    for (const name of this.#posted) if (!this.#cancelled.has(name)) expect(this.#started).toContain(name)
  }

  async pauseAndRelease(): Promise<void> {
    await this.env.point('pause')
    const pause = this.runner.pause()
    this.#pauses++
    await this.env.point('release')
    this.#pauses--
    pause[Symbol.dispose]()
  }

  async changePriority(): Promise<void> {
    await this.env.point('more urgent')
    this.runner.updatePriority('user-blocking')
    await this.env.point('less urgent')
    this.runner.updatePriority('best-effort')
  }

  async finish(): Promise<void> {
    await Promise.all(this.#outcomes)
    if (!this.#isClosed) await this.runner.waitIdle()
    const expected = this.#posted.filter((name) => !this.#cancelled.has(name))
    expect(this.#slots === 1 ? this.#started : this.#started.toSorted()).toEqual(
      this.#slots === 1 ? expected : expected.toSorted(),
    )
    expect(this.runner.stats()).toMatchObject({ pending: 0, running: 0 })
  }

  #start(name: string, isShort = false): void {
    expect(this.#started).not.toContain(name)
    expect(this.#cancelled.has(name)).toBe(false)
    expect(this.#pauses).toBe(0)
    this.#started.push(name)
    if (!isShort) this.#inside++
    expect(this.#inside).toBeLessThanOrEqual(this.#slots)
  }
}

const poster: Client = async (program) => {
  await program.post('a')
  await program.post('b')
}

const scenarios: readonly (readonly [string, Client])[] = [
  ['W5 close', (program) => program.close()],
  [
    'C1 cancel',
    async (program) => {
      await program.postForCancel('x')
      await program.cancel('x')
    },
  ],
  ['pause and release', (program) => program.pauseAndRelease()],
  ['P3 priority changes', (program) => program.changePriority()],
  [
    'C1 W5 cancel, then close',
    async (program) => {
      await program.postForCancel('x')
      await program.cancel('x')
      await program.close()
    },
  ],
]

// Bound: two posts of two-step tasks beside one other client, every interleaving.
for (const [runner, slots] of [
  ['sequence', 1],
  ['parallel runner of two', 2],
] as const) {
  describe(`the engine keeps its rules on a ${runner} at every interleaving of two posts and`, () => {
    test.for(scenarios)('%s', async ([, client]) => {
      const report = await explore(
        async (env) => {
          const program = new Program(env, slots)
          await Promise.all([poster(program), client(program)])
          await program.finish()
        },
        { exhaustive: true, maxSchedules: 20_000 },
      )
      expect(report.complete).toBe(true)
      expect(report.schedules).toBeGreaterThan(10)
    })
  })
}
