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
import {
  type Observer,
  PoolTotals,
  type Task,
  type TaskEvent,
  type TaskFinishedEvent,
  type TaskHandle,
  type TaskPostedEvent,
  type TaskRejectedEvent,
  type TaskStartedEvent,
  TaskTimeoutError,
  type ThreadPool,
} from '@posttask/core'

/** Options of `traceTasks`. */
export interface TraceOptions {
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined
  /** Which tasks get a span. Default: all. */
  readonly filter?: ((event: TaskEvent) => boolean) | undefined
}

type Filter = NonNullable<TraceOptions['filter']>

/**
 * Makes a span for each task that runs, from its start to its outcome, as a child of the span in whose context it was
 * posted. On a pool whose tasks run on this event loop it is the active span of the task, so that what the task calls
 * becomes its child; into a thread it travels, and `traced` of `@posttask/opentelemetry/worker` makes it active there.
 * A delayed or repeating task begins a trace of its own, with a link to where it was posted. Tasks that never start have
 * no span. Disposing what it returns ends it, and the spans of what still runs.
 */
export const traceTasks = <Accepts extends Task>(pool: ThreadPool<Accepts>, options: TraceOptions = {}): Disposable => {
  const tracer = (options.tracerProvider ?? trace).getTracer('@posttask/opentelemetry')
  const spans = new TaskSpans(pool.name, tracer)
  const filter = options.filter ?? (() => true)
  const observing = pool.addObserver(pool.bringsContext ? tracerInContext(spans, filter) : new TaskTracer(spans, filter))
  return {
    [Symbol.dispose]: () => {
      observing[Symbol.dispose]()
      spans.endAll()
    },
  }
}

/** The spans of the tasks that run. */
class TaskSpans {
  readonly #pool: string
  readonly #tracer: Tracer
  /** By the ids of tasks: a weak map of them would cost more than the rest of this. */
  readonly #open = new Map<number, Span>()
  #isOver = false

  constructor(pool: string, tracer: Tracer) {
    this.#pool = pool
    this.#tracer = tracer
  }

  start({ runner, task, name: taskName, priority }: TaskEvent, parent: Context, links: Link[]): Span {
    const attributes: Attributes = {
      'posttask.pool.name': this.#pool,
      'posttask.runner.name': runner.name,
      'posttask.runner.kind': runner.kind,
      'posttask.task.name': taskName,
      'posttask.task.id': task.id,
      'posttask.task.priority': priority,
    }
    const name = `run ${PoolTotals.nameOf(runner)}`
    const span = this.#tracer.startSpan(name, { kind: SpanKind.INTERNAL, attributes, links }, parent)
    // Another observer of the same event may have ended this.
    if (this.#isOver) span.end()
    else this.#open.set(task.id, span)
    return span
  }

  of(task: TaskHandle): Span | undefined {
    return this.#open.get(task.id)
  }

  end({ task, outcome, error, thread }: TaskFinishedEvent): void {
    const span = this.#open.get(task.id)
    if (span === undefined) return
    this.#open.delete(task.id)
    span.setAttribute('posttask.task.outcome', outcome)
    if (thread !== undefined) span.setAttribute('thread.id', thread)
    try {
      // The pool reports a time limit as a failure as well (F2).
      if (outcome === 'failed' || error instanceof TaskTimeoutError) recordError(span, error)
    } finally {
      // An error may throw when it is read.
      span.end()
    }
  }

  /** It will not run, whatever was told of it before. */
  drop(task: TaskHandle): void {
    this.#open.get(task.id)?.end()
    this.#open.delete(task.id)
  }

  endAll(): void {
    this.#isOver = true
    for (const span of this.#open.values()) span.end()
    this.#open.clear()
  }
}

/** For tasks that run in the context of their posts: nothing has to be kept of one that waits. */
const tracerInContext = (spans: TaskSpans, filter: Filter): Observer => ({
  onRun: (event, run) => {
    if (!filter(event)) {
      run()
      return
    }
    const own = context.active()
    const span = event.isDelayed ? spans.start(event, ROOT_CONTEXT, linksTo(own)) : spans.start(event, own, [])
    context.with(trace.setSpan(own, span), run)
  },
  onFinished: (event) => spans.end(event),
})

/** For tasks that bring no context: that of the post is kept until the end. */
class TaskTracer implements Observer {
  readonly #spans: TaskSpans
  readonly #filter: Filter
  /** Where the span of a task belongs, by its id. */
  readonly #parents = new Map<number, Context>()

  constructor(spans: TaskSpans, filter: Filter) {
    this.#spans = spans
    this.#filter = filter
  }

  onPosted(event: TaskPostedEvent): void {
    if (this.#filter(event)) this.#parents.set(event.task.id, event.isDelayed ? ROOT_CONTEXT : context.active())
  }

  onStarted(event: TaskStartedEvent): void {
    const parent = this.#parents.get(event.task.id)
    if (parent === undefined) return
    // It was on its way before, in a batch whose thread was lost.
    this.#spans.of(event.task)?.end()
    const span = this.#spans.start(event, parent, [])
    const carrier: Record<string, string> = {}
    propagation.inject(trace.setSpan(parent, span), carrier)
    for (const [key, value] of Object.entries(carrier)) event.carry(key, value)
  }

  onRun({ task }: TaskStartedEvent, run: () => void): void {
    const span = this.#spans.of(task)
    const parent = this.#parents.get(task.id)
    if (span === undefined || parent === undefined) run()
    else context.with(trace.setSpan(parent, span), run)
  }

  onFinished(event: TaskFinishedEvent): void {
    this.#parents.delete(event.task.id)
    this.#spans.end(event)
  }

  onRejected({ task }: TaskRejectedEvent): void {
    this.#parents.delete(task.id)
    this.#spans.drop(task)
  }
}

const recordError = (span: Span, error: unknown): void => {
  span.setStatus({ code: SpanStatusCode.ERROR })
  const exception = error instanceof Error ? error : { message: typeof error === 'string' ? error : `a thrown ${typeof error}` }
  span.recordException(exception)
  span.setAttribute('error.type', error instanceof Error ? error.name : '_OTHER')
  span.setStatus({ code: SpanStatusCode.ERROR, message: exception.message })
}

const linksTo = (from: Context): Link[] => {
  const spanContext = trace.getSpanContext(from)
  return spanContext === undefined ? [] : [{ context: spanContext }]
}
