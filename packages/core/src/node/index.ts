export { installShutdownHooks, type ShutdownCause, type ShutdownHookOptions, type ShutdownHooks } from './shutdown-hooks.ts'
