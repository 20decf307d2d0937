import { type BoundTask, type Executor, ParallelTaskRunner, SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { Journal } from './journal.ts'
import { doing } from './kinds.ts'
import type { Random } from './random.ts'

/** Tasks of a round: the one that is aborted, those behind it, and one beside it. */
const perRound = 5

/**
 * Rounds in which a task is aborted about when it ends, with others behind it, which travel in the same message, and
 * beside it: these have to come to their end, started once. Says how many aborts won, and what was wrong.
 */
export const abortsAgainstCompletion = async (
  executor: Executor<BoundTask>,
  rounds: number,
  random: Random,
): Promise<{ readonly aborted: number; readonly wrong: readonly string[] }> => {
  const wrong: string[] = []
  const onTaskError = ({ name, error }: { readonly name: string; readonly error: unknown }): void => {
    wrong.push(`after its outcome task "${name}" failed with ${String(error)}`)
  }
  const pool = new ThreadPool({ executor, onTaskError })
  const sequence = new SequencedTaskRunner(pool)
  const beside = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
  const journal = new Journal(rounds * perRound)
  let aborted = 0

  for (let round = 0; round < rounds; round++) {
    const first = round * perRound
    const controller = new AbortController()
    const reason = { round }
    let hasEnded = false
    const duration = random(100) / 1000
    const aim = (random(220) - 10) / 1000
    const target = sequence.run(doing('busy', duration)(journal.memory, first), { signal: controller.signal }).then(
      (value) => value === first || `gave ${String(value)}`,
      (error: unknown) => {
        aborted++
        return error === reason || `failed with ${String(error)}`
      },
    )
    const settled = target.finally(() => (hasEnded = true))
    const innocents = [1, 2, 3, 4].map((place) => {
      const runner = place === 4 ? beside : sequence
      return runner.run(doing('ok')(journal.memory, first + place)).catch((error: unknown) => String(error))
    })
    if (aim >= 0) {
      while (!hasEnded && journal.starts(first) === 0) await new Promise(setImmediate)
      for (const over = performance.now() + aim; performance.now() < over; );
    }
    controller.abort(reason)
    const outcome = await settled
    if (outcome !== true) wrong.push(`round ${round}: the aborted task ${outcome}`)
    for (const [index, value] of (await Promise.all(innocents)).entries()) {
      const id = first + index + 1
      if (value !== id || journal.starts(id) !== 1)
        wrong.push(`round ${round}: innocent task ${id} gave ${String(value)} and started ${journal.starts(id)} times`)
    }
  }
  await pool.close()
  for (let round = 0; round < rounds; round++)
    if (journal.starts(round * perRound) > 1) wrong.push(`round ${round}: the aborted task started more than once`)
  return { aborted, wrong }
}
