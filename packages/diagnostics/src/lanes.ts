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

/**
 * Hands out rows: a process for each pool, in it a row for posts from outside, a row for each slot of each runner, and a
 * row for each thread. Row numbers are unique over all processes: some viewers go by them alone.
 */
export class Lanes {
  readonly #processes = new Map<string, number>()
  readonly #rows = new Map<string, Row[]>()
  readonly #names: TraceEvent[] = []
  #lastTid = 0

  /** The events that name the rows. */
  get names(): readonly TraceEvent[] {
    return this.#names
  }

  /** Posts that no task made. */
  outside(pool: string): Lane {
    return this.#row(pool, 'outside of tasks', Number.NEGATIVE_INFINITY, 0)
  }

  /** A free row of the runner, from start to end. Tasks are to be placed by their start. */
  placeOnRunner({ pool, runner }: RecordedTask, start: number, end: number): Placement {
    const { pid, tid } = this.#row(pool, runner, start, end)
    return { pid, tid, start, end }
  }

  placeOnThread({ pool }: RecordedTask, thread: number, start: number, end: number): Placement {
    const { pid, tid } = this.#row(pool, `thread ${thread}`, start, end)
    return { pid, tid, start, end }
  }

  #row(pool: string, name: string, start: number, end: number): Lane {
    const key = `${pool}\n${name}`
    const rows = this.#rows.get(key) ?? []
    this.#rows.set(key, rows)
    const free = rows.find((row) => start === Number.NEGATIVE_INFINITY || row.end <= start)
    if (free !== undefined) {
      free.end = end
      return free
    }
    const pid = this.#pidOf(pool)
    const row = { pid, tid: ++this.#lastTid, end }
    rows.push(row)
    this.#name('thread_name', pid, row.tid, { name: rows.length === 1 ? name : `${name} (slot ${rows.length})` })
    this.#name('thread_sort_index', pid, row.tid, { sort_index: row.tid })
    return row
  }

  #pidOf(pool: string): number {
    const known = this.#processes.get(pool)
    if (known !== undefined) return known
    const pid = this.#processes.size + 1
    this.#processes.set(pool, pid)
    this.#name('process_name', pid, 0, { name: `pool ${pool}` })
    this.#name('process_sort_index', pid, 0, { sort_index: pid })
    return pid
  }

  #name(name: string, pid: number, tid: number, args: Record<string, unknown>): void {
    this.#names.push({ ph: 'M', name, pid, tid, ts: 0, cat: '__metadata', args })
  }
}
