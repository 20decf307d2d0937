import {
  type Attributes,
  type Context,
  context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import type {
  Observer,
  Task,
  TaskEvent,
  TaskFinishedEvent,
  TaskPostedEvent,
  TaskRejectedEvent,
  TaskStartedEvent,
  ThreadPool,
} from '@posttask/core'

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
 * becomes its child; into a thread it travels, and `traced` of `@posttask/opentelemetry/worker` makes it active there. A delayed or repeating task begins a trace of its own, with a link to where it was posted. Tasks that
 * never start have no span. Disposing what it returns ends it.
 */
export const traceTasks = <Accepts extends Task>(pool: ThreadPool<Accepts>, options: TraceOptions = {}): Disposable => {
  const tracer = (options.tracerProvider ?? trace).getTracer('@posttask/opentelemetry')
  return pool.addObserver(new TaskTracer(pool as unknown as ThreadPool, tracer, options.filter ?? (() => true)))
}

/** A task that waits or runs. */
interface Traced {
  /** Where its span belongs. */
  readonly parent: Context
  readonly isDelayed: boolean
  span: Span | undefined
}

class TaskTracer implements Observer {
  readonly #pool: ThreadPool
  readonly #tracer: Tracer
  readonly #filter: (event: TaskEvent) => boolean
  /** By the ids of tasks, from post to outcome: a weak map of them would cost more than the rest of this. */
  readonly #traced = new Map<number, Traced>()

  constructor(pool: ThreadPool, tracer: Tracer, filter: (event: TaskEvent) => boolean) {
    this.#pool = pool
    this.#tracer = tracer
    this.#filter = filter
  }

  onPosted(event: TaskPostedEvent): void {
    const { isDelayed } = event
    if (!this.#filter(event)) return
    const parent = isDelayed ? ROOT_CONTEXT : context.active()
    this.#traced.set(event.task.id, { parent, isDelayed, span: undefined })
  }

  onStarted(event: TaskStartedEvent): void {
    const traced = this.#traced.get(event.task.id)
    // On this event loop the span is made where it can be the active one.
    if (traced === undefined || this.#pool.bringsContext) return
    traced.span = this.#start(event, traced.parent, [])
    const carrier: Record<string, string> = {}
    propagation.inject(trace.setSpan(traced.parent, traced.span), carrier)
    for (const [key, value] of Object.entries(carrier)) event.carry(key, value)
  }

  onRun(event: TaskEvent, run: () => void): void {
    const traced = this.#traced.get(event.task.id)
    if (traced === undefined) {
      run()
      return
    }
    const { parent, isDelayed } = traced
    // Elsewhere the context here is that of whoever woke the pool up.
    const own = this.#pool.bringsContext ? context.active() : parent
    traced.span ??= this.#start(event, isDelayed ? ROOT_CONTEXT : own, isDelayed ? linksTo(own) : [])
    context.with(trace.setSpan(own, traced.span), run)
  }

  onFinished(event: TaskFinishedEvent): void {
    const { task, outcome, error, thread } = event
    const traced = this.#traced.get(task.id)
    if (traced === undefined) return
    this.#traced.delete(task.id)
    const { span } = traced
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

  onRejected({ task }: TaskRejectedEvent): void {
    this.#traced.delete(task.id)
  }

  #start(event: TaskEvent, parent: Context, links: Link[]): Span {
    const { runner, task, name, priority } = event
    const attributes: Attributes = {
      'posttask.pool.name': this.#pool.name,
      'posttask.runner.name': runner.name,
      'posttask.runner.kind': runner.kind,
      'posttask.task.name': name,
      'posttask.task.id': task.id,
      'posttask.task.priority': priority,
    }
    return this.#tracer.startSpan(`run ${runner.name}`, { kind: SpanKind.INTERNAL, attributes, links }, parent)
  }
}

const linksTo = (from: Context): Link[] => {
  const spanContext = trace.getSpanContext(from)
  return spanContext === undefined ? [] : [{ context: spanContext }]
}
