// Metrics for Prometheus: gauges and counters that are read when they are scraped, here from a server on loopback.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inlineExecutor } from '@posttask/backend-inline'
import { SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { exportMetrics } from '@posttask/prometheus'
import { Registry } from 'prom-client'

const pool = new ThreadPool({ executor: inlineExecutor(), name: 'main', onTaskError: () => {}, onTaskRejected: () => {} })
const registry = new Registry()
const exporting = exportMetrics(pool, { registry, histograms: [0.1, 1] })

const server = createServer((_request, response) => {
  void registry.metrics().then((text) => response.setHeader('Content-Type', registry.contentType).end(text))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo

const orders = new SequencedTaskRunner(pool, { name: 'orders', queueLimit: 2 })
orders.postTask(() => {}, { priority: 'user-blocking' })
orders.postTask(() => Promise.reject(new Error('card declined')))
orders.postTask(() => {})
orders.postTask(() => {}, { name: 'one too many' })
await orders.waitIdle()
// Closed runners are remembered: no counter ever goes back.
await orders.close()

const page = await fetch(`http://127.0.0.1:${port}/metrics`).then((response) => response.text())
for (const line of page.split('\n')) {
  if (/^posttask_(tasks_(completed|failed|rejected)|pool_runners|task_duration_seconds_count)/.test(line)) console.log(line)
}

server.close()
server.closeAllConnections()
exporting[Symbol.dispose]()
await pool.close()
