export { type TinypoolExecutorOptions, type TinypoolPoolOptions, tinypoolExecutor } from './tinypool-executor.ts'
export type { BorrowedTinypool, TinypoolThreadOptions } from './tinypool-types.ts'
