import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inlineExecutor } from '@posttask/backend-inline'
import { piscinaExecutor } from '@posttask/backend-piscina'
import { type BoundTask, ParallelTaskRunner, SequencedTaskRunner, type TaskRunner, ThreadPool, taskModule } from '@posttask/core'
import { describe, expect, test } from 'vitest'

const worker = taskModule<typeof import('./fixtures/serve.ts')>(new URL('./fixtures/serve.ts', import.meta.url))
const requestId = new AsyncLocalStorage<string>()
const requests = 100
const ids = Array.from({ length: requests }, (_, index) => `request-${index}`)

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
              // No context travels to a thread: the id goes as an argument.
              worker.serve(requestId.getStore()),
              ({ id, isThread }) => {
                seen.push(`${isThread ? 'thread' : 'no thread'} ${id}`)
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

/** Sends all requests at once to an HTTP server whose requests share a sequence and a thread; what each has seen. */
const serveAll = async (asyncContext: boolean): Promise<readonly (readonly string[])[]> => {
  const pool = new ThreadPool({ executor: inlineExecutor(), asyncContext })
  const threadPool = new ThreadPool({ executor: piscinaExecutor({ maxThreads: 1 }), asyncContext })
  const threads = new ParallelTaskRunner(threadPool, { maxConcurrency: 1 })
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
  const answers = await Promise.all(ids.map((id) => textOf(`http://127.0.0.1:${port}/${id}`)))
  server.close()
  server.closeAllConnections()
  await threadPool.close()
  await pool.close()
  return answers.map((answer) => JSON.parse(answer) as string[])
}

const steps = ['post', 'after a yield', 'delay', 'task', 'reply', 'thread', 'reply of a thread']

describe('the id of a request in an HTTP server', () => {
  test(`E4 survives post, delay, reply and thread under ${requests} concurrent requests, and none is seen in another's task`, async () => {
    expect(await serveAll(true)).toEqual(ids.map((id) => steps.map((step) => `${step} ${id}`)))
  }, 60_000)

  test('E4 without asyncContext it is lost at the first post, and still none is seen in the task of another', async () => {
    const nobody = steps.map((step) => (step === 'thread' ? 'thread nobody' : `${step} undefined`))
    expect(await serveAll(false)).toEqual(ids.map(() => nobody))
  }, 60_000)
})
