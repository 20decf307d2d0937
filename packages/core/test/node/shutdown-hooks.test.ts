import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestEnvironment } from '@posttask/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installShutdownHooks } from '../../src/node/index.ts'
import { type Ending, SignalledChild } from './fixtures/signalled-child.ts'

const signalled = async (situation: string, ...signals: NodeJS.Signals[]): Promise<Ending> => {
  const child = new SignalledChild('./shutdown-program.ts', [situation])
  const [first, ...others] = signals
  if (first !== undefined) {
    await child.printed('ready')
    child.kill(first)
  }
  let before = first
  for (const signal of others) {
    await child.printed(`${before} heard`)
    child.kill(signal)
    before = signal
  }
  return child.ending
}

describe.skipIf(process.platform === 'win32')('W4 W6 a real process that is told to end', { timeout: 40_000 }, () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'posttask-shutdown-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const seeds = [1, 2, 3, 4, 5, 6, 7, 8]
  const runs = seeds.map((seed) => ({
    seed,
    signal: (seed % 2 === 0 ? 'SIGINT' : 'SIGTERM') as NodeJS.Signals,
    where: seed % 4 < 2 ? 'inline' : 'threads',
    posts: (seed * 7919) % 311,
  }))

  test.each(runs)(
    'W4 after $signal every accepted block-shutdown task finishes ($where, after $posts posts, seed $seed)',
    async ({ seed, signal, where, posts }) => {
      const record = join(folder, `record-${seed}`)
      const child = new SignalledChild('./busy-program.ts', [record, `${seed}`, where])
      await child.printed(posts)
      child.kill(signal)
      const ending = await child.ending
      expect(ending).toMatchObject({ code: signal === 'SIGINT' ? 130 : 143, signal: null, stderr: '' })
      const lines = readFileSync(record, 'utf8').trim().split('\n')
      const ids = (what: string) => lines.filter((line) => line.startsWith(what)).map((line) => Number(line.split(' ')[1]))
      const accepted = ids('accepted')
      expect(accepted.length).toBeGreaterThanOrEqual(posts)
      expect(ids('finished').sort((a, b) => a - b)).toEqual(accepted)
    },
  )

  test('W6 a second signal terminates; the exit code is that of the first; listeners of others hear both', async () => {
    const { code, stdout } = await signalled('never-ending', 'SIGTERM', 'SIGINT')
    expect(code).toBe(143)
    expect(stdout).toBe('ready\nSIGTERM heard\nSIGINT heard\n')
  })

  test('W6 past timeoutMs the pool is terminated', async () => {
    const { code, stdout } = await signalled('time-limit', 'SIGINT')
    expect(code).toBe(130)
    expect(stdout).toContain('SIGINT {"completed":0,"dropped":0,"terminated":1}')
  })

  test('W4 a signal drops what is queued and does not block the shutdown, and lifts fences', async () => {
    const { code, stdout } = await signalled('queued', 'SIGTERM')
    expect(code).toBe(143)
    expect(stdout).toBe(
      'ready\nblocks\nblocks, too\nSIGTERM {"completed":2,"dropped":2,"terminated":0} task 3 dropped task 2 dropped\n',
    )
  })

  test("W5 with queued: 'run' what is queued runs to the end", async () => {
    const { stdout } = await signalled('queued-run', 'SIGTERM')
    expect(stdout).toBe('ready\nblocks\nskips\nblocks, too\nSIGTERM {"completed":3,"dropped":1,"terminated":0} task 3 dropped\n')
  })

  test('W6 runners shut down in reverse order, so a later one may still post to an earlier one', async () => {
    const { code, stdout } = await signalled('later-runner-posts-to-an-earlier-one')
    expect(code).toBe(143)
    expect(stdout).toBe('task finished\nSIGTERM {"completed":2,"dropped":0,"terminated":0}\n')
  })

  test('W4 with two pools the process ends when the later of them has closed', async () => {
    const { code, stdout } = await signalled('two-pools', 'SIGINT')
    expect(code).toBe(130)
    expect(stdout).toBe('ready\nfirst closed\ntask finished\nsecond closed\n')
  })

  test('E3 when nothing is left to do the pool closes, and the exit code stays', async () => {
    const { code, stdout } = await signalled('before-exit')
    expect(code).toBe(3)
    expect(stdout).toBe('task finished\nbeforeExit {"completed":0,"dropped":0,"terminated":0}\n')
  })

  test('F3 a hook that throws is reported, and the process ends all the same', async () => {
    const { code, stderr } = await signalled('failing-hook')
    expect(code).toBe(143)
    expect(stderr).toContain('cannot say goodbye')
  })

  test('W4 before ends first: a server answers what is under way with tasks that it posts after the signal', async () => {
    const { code, stdout, stderr } = await signalled('http-server')
    expect(stderr).toBe('')
    expect(stdout).toBe('before SIGTERM false\n200 one,two\nSIGTERM {"completed":0,"dropped":0,"terminated":0}\n')
    expect(code).toBe(143)
  })

  test('F3 a before that fails is reported, and the pool closes all the same', async () => {
    const { code, stdout, stderr } = await signalled('failing-before')
    expect(stderr).toContain('cannot stop listening')
    expect(stdout).toBe('task finished\nSIGTERM {"completed":1,"dropped":0,"terminated":0}\n')
    expect(code).toBe(143)
  })

  test('W6 a second signal ends a process whose before does not end', async () => {
    const { code, stdout } = await signalled('endless-before', 'SIGTERM', 'SIGINT')
    expect(code).toBe(143)
    expect(stdout).toBe('ready\nSIGTERM heard false\nSIGINT heard\n')
  })

  test('W6 timeoutMs counts from the signal, and holds for before as well', async () => {
    const { code, stdout } = await signalled('endless-before-with-time-limit', 'SIGTERM')
    expect(code).toBe(143)
    expect(stdout).toBe('ready\nSIGTERM {"completed":0,"dropped":0,"terminated":1} never terminated\n')
  })

  test('W6 C2 past signalAfterMs the pool closes and signals what runs, so that what before waits for ends', async () => {
    const { code, stdout } = await signalled('before-waits-for-a-task-that-waits-for-its-signal', 'SIGTERM')
    expect(code).toBe(143)
    expect(stdout).toBe('ready\nanswered ERR_POOL_CLOSED\nSIGTERM {"completed":0,"dropped":0,"terminated":0}\n')
  })

  test('E3 before is also called when nothing is left to do', async () => {
    const { code, stdout } = await signalled('before-at-the-end')
    expect(code).toBe(3)
    expect(stdout).toBe('task finished\nbefore beforeExit\nbeforeExit {"completed":0,"dropped":0,"terminated":0}\n')
  })

  test('W4 disposed hooks leave no listener behind, and a signal has its own effect again', async () => {
    const { signal, stdout } = await signalled('disposed', 'SIGTERM')
    expect(signal).toBe('SIGTERM')
    expect(stdout).toBe('true\ntrue\nready\n')
  })
})

test('D2 a signalAfterMs that is none is a RangeError at the call', async () => {
  await using env = createTestEnvironment()
  for (const signalAfterMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => installShutdownHooks(env.pool, { signalAfterMs })).toThrow(RangeError)
  }
})

test('D2 a timeoutMs that is none is a RangeError at the call', async () => {
  await using env = createTestEnvironment()
  for (const timeoutMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => installShutdownHooks(env.pool, { timeoutMs })).toThrow(RangeError)
  }
})
