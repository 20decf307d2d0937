import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { TraceRecorder } from '@posttask/diagnostics'
import { startInspector } from '@posttask/inspector'
import { createTestEnvironment } from '@posttask/testing'
import { expect, test, vi } from 'vitest'
import { ask, tokenOf } from './ask.ts'
import { openEvents } from './open-events.ts'

const sockets = (): string[] => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP'))

test('disposing it ends the streams, resumes what it had paused, frees its port and leaves no handle', async () => {
  await using env = createTestEnvironment()
  const pool = new ThreadPool({ executor: env.createExecutor() })
  const runner = new SequencedTaskRunner(pool)
  const before = sockets()
  const inspector = await startInspector(pool)
  const port = Number(new URL(inspector.url).port)
  const events = await openEvents(inspector.url)
  const [id] = (await events.until(() => true)).pools[0]?.runners.map((shown) => shown.id) ?? []
  await ask(new URL(`/runners/${id}/pause`, inspector.url), 'POST', tokenOf(inspector.url))
  await ask(new URL('/trace/start', inspector.url), 'POST', tokenOf(inspector.url))
  const closed = new Promise((resolve) => events.response.once('close', resolve))
  const build = vi.spyOn(TraceRecorder.prototype, 'trace')
  await Promise.all([inspector[Symbol.asyncDispose](), inspector[Symbol.asyncDispose]()])
  await closed
  expect([pool.hooks.observed, build.mock.calls]).toEqual([false, []])
  await expect(events.until(() => true)).rejects.toThrow()
  expect(sockets()).toEqual(before)
  const done = runner.run(() => 'ran')
  await env.advanceBy(0)
  expect(await done).toBe('ran')
  {
    await using again = await startInspector(pool, { port })
    expect(new URL(again.url).port).toBe(String(port))
    await expect(startInspector(pool, { port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  }
  await pool.close()
})

test('it never keeps the process alive, not even while somebody watches', async () => {
  const program = fileURLToPath(new URL('./fixtures/stay-until-told.ts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  using events = await openEvents(url)
  await events.until(() => true)
  child.stdin.end()
  expect(await exited).toEqual([0, null])
})
