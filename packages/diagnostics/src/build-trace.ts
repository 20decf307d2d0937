import { type Lane, Lanes, type Placement } from './lanes.ts'
import type { RecordedDepth, RecordedTask } from './recorded-task.ts'
import type { Trace, TraceEvent } from './trace-event.ts'

/** What a recorder has seen. */
export interface Recording {
  readonly tasks: readonly RecordedTask[]
  readonly depths: readonly RecordedDepth[]
  readonly end: number
  readonly droppedTasks: number
}

const cat = 'posttask'

/** At the same time: slices come first, the longest ahead, and then the ends of arrows, which need their slice. */
const ranks = { M: 0, b: 1, e: 2, X: 3, s: 4, f: 5, C: 6 }

/** The trace of a recording, by the rules of Chrome's DevTools and Perfetto. */
export const buildTrace = ({ tasks, depths, end, droppedTasks }: Recording): Trace => {
  const lanes = new Lanes()
  const events: TraceEvent[] = []
  const place = placeTasks(tasks, lanes, end)

  for (const task of tasks) {
    const placement = place.onRunner.get(task)
    events.push(...waitEvents(task, placement, end, lanes))
    if (placement === undefined) continue
    if (task.isPostSeen) {
      events.push(...postEvents(task, placement, laneOfPoster(task, place.onRunner, lanes)))
    }
    events.push(slice(task.name, placement, argsOf(task)))
    const onThread = place.onThread.get(task)
    if (onThread !== undefined) events.push(...threadEvents(task, placement, onThread))
  }
  for (const { pool, runner, at, depth } of depths) {
    const { pid } = lanes.outside(pool)
    events.push({ ph: 'C', name: `queue of ${runner}`, cat, pid, tid: 0, ts: toMicros(at), args: { waiting: depth } })
  }
  events.sort((a, b) => a.ts - b.ts || ranks[a.ph] - ranks[b.ph] || (b.dur ?? 0) - (a.dur ?? 0))
  return { traceEvents: [...lanes.names, ...events], displayTimeUnit: 'ms', otherData: { producer: 'posttask', droppedTasks } }
}

interface Places {
  readonly onRunner: ReadonlyMap<RecordedTask, Placement>
  readonly onThread: ReadonlyMap<RecordedTask, Placement>
}

const placeTasks = (tasks: readonly RecordedTask[], lanes: Lanes, end: number): Places => {
  const onRunner = new Map<RecordedTask, Placement>()
  const onThread = new Map<RecordedTask, Placement>()
  const started = tasks.filter(({ startedAt }) => startedAt !== undefined)
  for (const { pool } of tasks) lanes.outside(pool)
  for (const task of started.toSorted((a, b) => (a.startedAt as number) - (b.startedAt as number))) {
    const from = task.startedAt as number
    const to = task.endedAt ?? end
    onRunner.set(task, lanes.placeOnRunner(task, from, to))
    // A nanosecond later: an arrow needs two times.
    if (task.thread !== undefined) onThread.set(task, lanes.placeOnThread(task, task.thread, from + 1e-6, to))
  }
  return { onRunner, onThread }
}

/** On the lane of the task that posted it, while that runs; else outside. */
const laneOfPoster = ({ pool, poster, postedAt }: RecordedTask, places: Places['onRunner'], lanes: Lanes): Lane => {
  const place = poster === undefined ? undefined : places.get(poster)
  return place !== undefined && place.start <= postedAt && postedAt <= place.end ? place : lanes.outside(pool)
}

const slice = (name: string, { pid, tid, start, end }: Placement, args: TraceEvent['args']): TraceEvent => {
  const ts = toMicros(start)
  return { ph: 'X', name, cat, pid, tid, ts, dur: round(toMicros(end) - ts), ...(args !== undefined && { args }) }
}

const toMicros = (at: number): number => Math.round(at * 1e6) / 1e3

const round = (micros: number): number => Math.round(micros * 1e3) / 1e3

/** A mark where the task was posted, and an arrow from there to its run: an arrow needs a slice that starts with it. */
const postEvents = (task: RecordedTask, run: Placement, from: Lane): TraceEvent[] => {
  const verb = task.isReply ? 'reply' : 'post'
  const mark = { name: `${verb} ${task.name}`, cat, pid: from.pid, tid: from.tid, ts: toMicros(task.postedAt) }
  const id = 2 * task.number
  return [
    { ph: 'X', ...mark, dur: 0 },
    { ph: 's', ...mark, name: verb, id },
    { ph: 'f', name: verb, cat, pid: run.pid, tid: run.tid, ts: toMicros(run.start), id, bp: 'e' },
  ]
}

/** The same run on the lane of its thread, and an arrow to there. */
const threadEvents = (task: RecordedTask, run: Placement, thread: Placement): TraceEvent[] => {
  const arrow = { name: 'dispatch', cat, id: 2 * task.number + 1 }
  return [
    slice(task.name, thread, { runner: task.runner }),
    { ph: 's', ...arrow, pid: run.pid, tid: run.tid, ts: toMicros(run.start) },
    { ph: 'f', ...arrow, pid: thread.pid, tid: thread.tid, ts: toMicros(thread.start), bp: 'e' },
  ]
}

/** From the post to the start, or to the end of a task that never started. */
const waitEvents = (task: RecordedTask, run: Placement | undefined, end: number, lanes: Lanes): TraceEvent[] => {
  const { pid, tid } = run ?? lanes.outside(task.pool)
  const wait = { name: `wait ${task.name}`, cat: `${cat}.wait`, pid, tid, id: task.number }
  const args = run === undefined ? argsOf(task) : { runner: task.runner }
  return [
    { ph: 'b', ...wait, ts: toMicros(task.postedAt), args },
    { ph: 'e', ...wait, ts: toMicros(run?.start ?? task.endedAt ?? end) },
  ]
}

const argsOf = (task: RecordedTask): Record<string, unknown> => {
  const { id, runner, priority, outcome, error, thread } = task
  const from = postedFrom(task.origin)
  return {
    id,
    runner,
    priority,
    outcome: outcome ?? 'unfinished',
    ...(error !== undefined && { error }),
    ...(thread !== undefined && { thread }),
    ...(from !== undefined && { posted_from: from }),
  }
}

/** The first frame of the stack of a post, as Chrome's own traces name it. */
const postedFrom = (origin: string | undefined): Record<string, unknown> | undefined => {
  const match = /at (?:(?<name>.*) \()?(?<file>.*?):(?<line>\d+):\d+\)?$/m.exec(origin ?? '')
  if (match?.groups === undefined) return undefined
  const { name, file, line } = match.groups
  return { function: name ?? '<anonymous>', file, line: Number(line) }
}
