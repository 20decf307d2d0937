import type { RecordedEvent } from './recording-observer.ts'

/** Whether the tasks of each runner ran one at a time and in posting order. */
export type Sequencing = { readonly ok: true } | { readonly ok: false; readonly message: string }

/**
 * Checks S1 and S2 on recorded events: tasks start in the order of their posts, and only when the one before has
 * finished. For runners that are sequences, and tasks without delay.
 */
export const checkSequenced = (events: readonly RecordedEvent[]): Sequencing => {
  const runners = new Map<string, { readonly posted: number[]; running: RecordedEvent | undefined }>()
  for (const event of events) {
    const runner = runners.get(event.runner) ?? { posted: [], running: undefined }
    runners.set(event.runner, runner)
    const who = `${event.runner}/${event.task}`
    if (event.kind === 'posted') runner.posted.push(event.id)
    else if (event.kind === 'started') {
      if (runner.running !== undefined) return { ok: false, message: `${who} started while ${runner.running.task} was running` }
      const next = runner.posted.shift()
      if (next !== event.id) return { ok: false, message: `${who} started before a task that was posted earlier` }
      runner.running = event
    } else if (runner.running?.id === event.id) runner.running = undefined
    else if (runner.posted.includes(event.id)) runner.posted.splice(runner.posted.indexOf(event.id), 1)
  }
  return { ok: true }
}
