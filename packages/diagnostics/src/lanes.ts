import type { RecordedTask } from './recorded-task.ts'
import type { TraceEvent } from './trace-event.ts'

/** A row of the trace: slices on it follow each other. */
export interface Lane {
  readonly pid: number
  readonly tid: number
}

/** Where a task was drawn, in milliseconds. */
export interface Placement extends Lane {
  readonly start: number
  readonly end: number
}

interface Row extends Lane {
  end: number
}

/** Rows that share their work: what starts while one is taken goes to the next. */
interface Group {
  readonly pool: string
  readonly name: string
  readonly isThread: boolean
  readonly rows: Row[]
}

/**
 * Hands out rows: a process for each pool, in it a row for posts from outside, a row for each slot of each runner, and a
 * row for each thread. Row numbers are unique over all processes: some viewers go by them alone.
 */
export class Lanes {
  readonly #pids = new Map<string, number>()
  readonly #groups = new Map<string, Group>()
  #lastTid = 0

  /** The events that name the rows, from top to bottom: pool by pool, the slots of a runner together, threads last. */
  get names(): readonly TraceEvent[] {
    const groups = [...this.#groups.values()]
    let position = 0
    return [...this.#pids].flatMap(([pool, pid]) => [
      nameEvent('process_name', pid, 0, { name: `pool ${pool}` }),
      nameEvent('process_sort_index', pid, 0, { sort_index: pid }),
      ...groups
        .filter((group) => group.pool === pool)
        .toSorted((a, b) => Number(a.isThread) - Number(b.isThread))
        .flatMap(({ name, rows }) =>
          rows.flatMap(({ tid }, index) => [
            nameEvent('thread_name', pid, tid, { name: index === 0 ? name : `${name} (slot ${index + 1})` }),
            nameEvent('thread_sort_index', pid, tid, { sort_index: ++position }),
          ]),
        ),
    ])
  }

  /** Posts that no task made. */
  outside(pool: string): Lane {
    return this.#row(pool, 'outside of tasks', false, Number.NEGATIVE_INFINITY, 0)
  }

  /** A free row of the runner, from start to end. Tasks are to be placed by their start. */
  placeOnRunner({ pool, runner }: RecordedTask, start: number, end: number): Placement {
    const { pid, tid } = this.#row(pool, runner, false, start, end)
    return { pid, tid, start, end }
  }

  placeOnThread({ pool }: RecordedTask, thread: number, start: number, end: number): Placement {
    const { pid, tid } = this.#row(pool, `thread ${thread}`, true, start, end)
    return { pid, tid, start, end }
  }

  #row(pool: string, name: string, isThread: boolean, start: number, end: number): Lane {
    const { rows } = this.#group(pool, name, isThread)
    const free = rows.find((row) => start === Number.NEGATIVE_INFINITY || row.end <= start)
    if (free !== undefined) {
      free.end = end
      return free
    }
    const row = { pid: this.#pidOf(pool), tid: ++this.#lastTid, end }
    rows.push(row)
    return row
  }

  #group(pool: string, name: string, isThread: boolean): Group {
    const key = `${pool}\n${name}`
    let group = this.#groups.get(key)
    if (group === undefined) {
      group = { pool, name, isThread, rows: [] }
      this.#groups.set(key, group)
    }
    return group
  }

  #pidOf(pool: string): number {
    const pid = this.#pids.get(pool) ?? this.#pids.size + 1
    this.#pids.set(pool, pid)
    return pid
  }
}

const nameEvent = (name: string, pid: number, tid: number, args: Record<string, unknown>): TraceEvent => ({
  ph: 'M',
  name,
  pid,
  tid,
  ts: 0,
  cat: '__metadata',
  args,
})
