import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inlineExecutor } from '@posttask/backend-inline'
import { piscinaExecutor } from '@posttask/backend-piscina'
import { type BoundTask, ParallelTaskRunner, SequencedTaskRunner, type TaskRunner, ThreadPool, taskModule } from '@posttask/core'
import { describe, expect, test } from 'vitest'

const primes = taskModule<typeof import('../src/primes.ts')>(new URL('../src/primes.ts', import.meta.url))
const requestId = new AsyncLocalStorage<string>()
const requests = 100

const textOf = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve(text))
    }).on('error', reject)
  })

/** One request on its way through post, delay, reply, a thread and back: who it is, as seen at each step. */
const journey = (inline: TaskRunner, threads: TaskRunner<BoundTask>): Promise<readonly string[]> =>
  new Promise((resolve) => {
    const seen: string[] = []
    const note = (step: string): void => void seen.push(`${step} ${requestId.getStore()}`)
    inline.postTask(async (context) => {
      note('post')
      await context.yield()
      note('after a yield')
      inline.postDelayedTask(() => {
        note('delay')
        inline.postTaskAndReply(
          () => note('task'),
          () => {
            note('reply')
            threads.postTaskAndReply(
              primes.countPrimes({ from: 0, to: 10 }),
              () => {
                note('reply of a thread')
                resolve(seen)
              },
              { replyTo: inline },
            )
          },
          { replyTo: inline },
        )
      }, 1)
    })
  })

describe('the id of a request in an HTTP server', () => {
  test(`E4 survives post, delay, reply and thread under ${requests} concurrent requests, and none is seen in another's task`, async () => {
    const pool = new ThreadPool({ executor: inlineExecutor() })
    const threadPool = new ThreadPool({ executor: piscinaExecutor({ maxThreads: 1 }) })
    const threads = new ParallelTaskRunner(threadPool, { maxConcurrency: 1 })
    // All share a sequence, and with it the turns in which their tasks run.
    const inline = new SequencedTaskRunner(pool)
    // No request is answered before all are there: they do overlap.
    let arrived = 0
    let allArrived: () => void = () => {}
    const everybody = new Promise<void>((resolve) => {
      allArrived = resolve
    })
    const server = createServer((request, response) => {
      void requestId.run(request.url?.slice(1) ?? '', async () => {
        if (++arrived === requests) allArrived()
        await everybody
        response.end(JSON.stringify(await journey(inline, threads)))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const ids = Array.from({ length: requests }, (_, index) => `request-${index}`)
    const answers = await Promise.all(ids.map((id) => textOf(`http://127.0.0.1:${port}/${id}`)))
    const steps = ['post', 'after a yield', 'delay', 'task', 'reply', 'reply of a thread']
    const expected = ids.map((id) => steps.map((step) => `${step} ${id}`))
    expect(answers.map((answer) => JSON.parse(answer) as string[])).toEqual(expected)
    server.close()
    server.closeAllConnections()
    await threadPool.close()
    await pool.close()
  }, 60_000)

  test('E4 without asyncContext none is seen at all: a task never runs in the context of another poster', async () => {
    const pool = new ThreadPool({ executor: inlineExecutor(), asyncContext: false })
    const runner = new SequencedTaskRunner(pool)
    const seen = await Promise.all(['a', 'b', 'c'].map((id) => requestId.run(id, () => runner.run(() => requestId.getStore()))))
    expect(seen).toEqual([undefined, undefined, undefined])
    await pool.close()
  })
})
