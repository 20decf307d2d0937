import { syncBuiltinESMExports } from 'node:module'
import workerThreads from 'node:worker_threads'
import { serveTasks, type ThreadStart } from '@posttask/core/worker'

/** Tinypool wraps the user's `workerData`; task modules find theirs as on any other backend. */
const unwrapWorkerData = (): void => {
  if (!Array.isArray(workerThreads.workerData)) return
  Object.assign(workerThreads, { workerData: workerThreads.workerData[1] })
  syncBuiltinESMExports()
}

/** What tinypool calls in each thread. On a borrowed one its owner's tasks find what they always found. */
export default (start: ThreadStart): Promise<void> | undefined => {
  if (!start.isBorrowed) unwrapWorkerData()
  return serveTasks(start)
}
