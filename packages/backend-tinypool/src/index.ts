export { type TinypoolExecutorOptions, type TinypoolPoolOptions, tinypoolExecutor } from './tinypool-executor.ts'
