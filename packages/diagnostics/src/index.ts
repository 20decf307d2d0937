export {
  publishTasks,
  type RunnerMessage,
  type TaskDropMessage,
  type TaskMessage,
  type TaskPostMessage,
} from './publish-tasks.ts'
export type { Trace, TraceEvent } from './trace-event.ts'
export { type TraceOptions, TraceRecorder } from './trace-recorder.ts'
export { traceToHtml } from './trace-to-html.ts'
export { validateTrace } from './validate-trace.ts'
