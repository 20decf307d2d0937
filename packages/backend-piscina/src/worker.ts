// What piscina loads in each thread.
export { serveTasks as default } from '@posttask/core/worker'
