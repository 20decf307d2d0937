export { type InlineExecutorOptions, inlineExecutor } from './inline-executor.ts'
