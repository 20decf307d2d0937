export { type PiscinaExecutorOptions, type PiscinaPoolOptions, piscinaExecutor } from './piscina-executor.ts'
export type { BorrowedPiscina, PiscinaThreadOptions } from './piscina-types.ts'
