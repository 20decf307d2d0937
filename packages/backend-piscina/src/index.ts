export { type PiscinaExecutorOptions, type PiscinaPoolOptions, piscinaExecutor } from './piscina-executor.ts'
