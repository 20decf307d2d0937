// What runs in each thread: `load.cjs` imports it.
export { serveTasks as default } from '@posttask/core/worker'
