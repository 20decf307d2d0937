// A load for pictures and measurements, with an inspector: `startLoad({ perSecond, runners, threads })`.
import { ParallelTaskRunner, SequencedTaskRunner } from '@posttask/core'

/** Posts `perSecond` short tasks in bursts of a millisecond or so, to `runners` sequences in turn. Returns what ends it. */
export const startLoad = (pool, { runners, perSecond }) => {
  const sequences = Array.from({ length: runners }, (_, index) => new SequencedTaskRunner(pool, { name: `user ${index + 1}` }))
  const begin = performance.now()
  let posted = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - begin) / 1000) * perSecond
    // What was missed while the event loop was held up is not made up for in one go.
    const end = Math.min(due, posted + perSecond / 100)
    for (; posted < end; posted++) sequences[posted % runners].postTask(noop)
    posted = Math.max(posted, due - perSecond / 10)
  }, 1)
  return () => clearInterval(timer)
}

const noop = () => {}
