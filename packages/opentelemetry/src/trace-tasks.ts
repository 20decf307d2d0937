import {
  type Attributes,
  type Context,
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import type { Observer, Task, TaskEvent, TaskFinishedEvent, TaskHandle, TaskPostedEvent, ThreadPool } from '@posttask/core'

/** Options of `traceTasks`. */
export interface TraceOptions {
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined
  /** Which tasks get a span. Default: all. */
  readonly filter?: ((event: TaskEvent) => boolean) | undefined
}

/**
 * Makes a span for each task that runs, from its start to its outcome, as a child of the span in whose context it was
 * posted. On a pool whose tasks run on this event loop it is the active span of the task, so that what the task calls
 * becomes its child. A delayed or repeating task begins a trace of its own, with a link to where it was posted. Tasks that
 * never start have no span. Disposing what it returns ends it.
 */
export const traceTasks = <Accepts extends Task>(pool: ThreadPool<Accepts>, options: TraceOptions = {}): Disposable => {
  const tracer = (options.tracerProvider ?? trace).getTracer('@posttask/opentelemetry')
  return pool.addObserver(new TaskTracer(pool as unknown as ThreadPool, tracer, options.filter ?? (() => true)))
}

/** Where the span of a task belongs. */
interface Origin {
  readonly parent: Context
  readonly isDelayed: boolean
}

class TaskTracer implements Observer {
  readonly #pool: ThreadPool
  readonly #tracer: Tracer
  readonly #filter: (event: TaskEvent) => boolean
  readonly #origins = new WeakMap<TaskHandle, Origin>()
  readonly #spans = new WeakMap<TaskHandle, Span>()

  constructor(pool: ThreadPool, tracer: Tracer, filter: (event: TaskEvent) => boolean) {
    this.#pool = pool
    this.#tracer = tracer
    this.#filter = filter
  }

  onPosted(event: TaskPostedEvent): void {
    const { isDelayed } = event
    if (this.#filter(event)) this.#origins.set(event.task, { parent: isDelayed ? ROOT_CONTEXT : context.active(), isDelayed })
  }

  onRun(event: TaskEvent, run: () => void): void {
    const origin = this.#origins.get(event.task)
    if (origin === undefined) {
      run()
      return
    }
    // Elsewhere the context here is that of whoever woke the pool up.
    const own = this.#pool.bringsContext ? context.active() : origin.parent
    const span = this.#start(event, origin.isDelayed ? ROOT_CONTEXT : own, origin.isDelayed ? linksTo(own) : [])
    context.with(trace.setSpan(own, span), run)
  }

  onFinished(event: TaskFinishedEvent): void {
    const { task, outcome, error, thread } = event
    const span = this.#spans.get(task) ?? this.#late(event)
    this.#origins.delete(task)
    this.#spans.delete(task)
    if (span === undefined) return
    span.setAttribute('posttask.task.outcome', outcome)
    if (thread !== undefined) span.setAttribute('thread.id', thread)
    if (outcome === 'failed') {
      const exception =
        error instanceof Error ? error : { message: typeof error === 'string' ? error : `a thrown ${typeof error}` }
      span.recordException(exception)
      span.setAttribute('error.type', error instanceof Error ? error.name : '_OTHER')
      span.setStatus({ code: SpanStatusCode.ERROR, message: exception.message })
    }
    span.end()
  }

  /** A task of a batch has no start of its own to be called in. */
  #late(event: TaskFinishedEvent): Span | undefined {
    const origin = this.#origins.get(event.task)
    if (origin === undefined || event.runMs === 0) return undefined
    return this.#start(event, origin.parent, [], Date.now() - event.runMs)
  }

  #start(event: TaskEvent, parent: Context, links: Link[], startTime?: number): Span {
    const { runner, task, name, priority } = event
    const attributes: Attributes = {
      'posttask.pool.name': this.#pool.name,
      'posttask.runner.name': runner.name,
      'posttask.runner.kind': runner.kind,
      'posttask.task.name': name,
      'posttask.task.id': task.id,
      'posttask.task.priority': priority,
    }
    const options = { kind: SpanKind.INTERNAL, attributes, links, ...(startTime !== undefined && { startTime }) }
    const span = this.#tracer.startSpan(`run ${runner.name}`, options, parent)
    this.#spans.set(task, span)
    return span
  }
}

const linksTo = (from: Context): Link[] => {
  const spanContext = trace.getSpanContext(from)
  return spanContext === undefined ? [] : [{ context: spanContext }]
}
