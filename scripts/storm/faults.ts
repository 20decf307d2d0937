import { getEventListeners } from 'node:events'
import { type BoundTask, type Executor, ThreadPool } from '@posttask/core'
import { Journal } from './journal.ts'
import { type Kind, kinds, type Outcome } from './kinds.ts'
import { placesOn } from './places.ts'
import type { Random } from './random.ts'

/** So many tasks are under way at a time. */
const window = 200

const names = Object.entries(kinds).flatMap(([name, { weight }]) => Array.from({ length: weight }, () => name))

/** Tasks of every kind on runners of every kind; says how many of each there were, and what was wrong. */
export const stormOfFaults = async (
  executor: Executor<BoundTask>,
  count: number,
  random: Random,
): Promise<{ readonly tally: Readonly<Record<string, number>>; readonly wrong: readonly string[] }> => {
  const wrong: string[] = []
  const onTaskError = ({ name, error }: { readonly name: string; readonly error: unknown }): void => {
    wrong.push(`after its outcome task "${name}" failed with ${String(error)}`)
  }
  const pool = new ThreadPool({ executor, onTaskError })
  const places = placesOn(pool)
  const journal = new Journal(count)
  const tally: Record<string, number> = {}
  const signals: AbortSignal[] = []

  /** All that is drawn is drawn here, before the first await: so the seed alone decides. */
  const one = async (id: number): Promise<void> => {
    const name = names[random(names.length)] as string
    const kind = kinds[name] as Kind
    const place = places[random(places.length)] as (typeof places)[number]
    const task = kind.task(journal.memory, id)
    const options = kind.options?.(random, task)
    if (options?.signal !== undefined) signals.push(options.signal)
    place.order?.push(id)
    const outcome: Outcome = await place.run(task, options).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    )
    tally[name] = (tally[name] ?? 0) + 1
    if (!kind.isRight(outcome, id, task)) {
      const error = 'error' in outcome ? outcome.error : undefined
      wrong.push(`task ${id}, ${name}: ${JSON.stringify(outcome)} ${String(error)}`)
    }
    if (!kind.starts.includes(journal.starts(id))) wrong.push(`task ${id}, ${name}: started ${journal.starts(id)} times`)
  }

  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await one(next++)
  }
  await Promise.all(Array.from({ length: window }, worker))
  await pool.close()

  for (const { order } of places) wrong.push(...journal.disorder(order ?? []))
  // A second look, now that every thread has ended: what was settled early must not have started again since.
  for (let id = 0; id < count; id++) if (journal.starts(id) > 1) wrong.push(`task ${id} started ${journal.starts(id)} times`)
  const listeners = signals.reduce((sum, signal) => sum + getEventListeners(signal, 'abort').length, 0)
  if (listeners > 0) wrong.push(`${listeners} listeners are left on signals`)
  return { tally, wrong }
}
