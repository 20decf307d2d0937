import { syncBuiltinESMExports } from 'node:module'
import workerThreads from 'node:worker_threads'

// Tinypool wraps the user's `workerData`; task modules find theirs as on any other backend.
if (Array.isArray(workerThreads.workerData)) {
  Object.assign(workerThreads, { workerData: workerThreads.workerData[1] })
  syncBuiltinESMExports()
}

// What tinypool loads in each thread.
export { serveTasks as default } from '@posttask/core/worker'
