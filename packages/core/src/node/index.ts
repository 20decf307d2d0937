export { installShutdownHooks, type ShutdownHookOptions, type ShutdownHooks } from './shutdown-hooks.ts'
