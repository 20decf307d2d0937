import { synchronousTask } from './current-task.ts'
import { isDirectAwait } from './direct-await.ts'
import type { TaskRecord } from './task-record.ts'
import type { WaitEdge } from './wait-edge.ts'
import { refuseDeadlock } from './wait-graph.ts'

/**
 * The promise of a wait that a task has begun. The language reads `constructor` of a promise that is awaited: there it
 * learns that it is. It answers with `Promise`, so that everything goes on as with any other promise, as quickly, and
 * all that is derived from it is a plain one.
 */
export class WaitPromise<T> extends Promise<T> {
  /** Set right behind the call that made it. */
  edge: WaitEdge | undefined
}

// oxlint-disable-next-line typescript/no-floating-promises -- no promise, but the prototype of one
Object.defineProperty(WaitPromise.prototype, 'constructor', {
  configurable: true,
  get(this: WaitPromise<unknown>): PromiseConstructor {
    const { edge } = this
    if (edge !== undefined && !edge.isOver && edge.task === synchronousTask() && edge.on.mayLeadBack()) {
      const proof = isDirectAwait(edge.task.task)
      if (proof !== undefined) {
        edge.prove(proof)
        refuseDeadlock(edge)
      }
    }
    return Promise
  },
})

/** A task has returned `value`: if that is the promise of one of its waits, it ends with that wait. */
export const noteReturned = (record: TaskRecord, value: unknown): void => {
  const edge = record.extras?.edges?.length === 0 || !(value instanceof WaitPromise) ? undefined : value.edge
  if (edge === undefined || edge.task !== record) return
  edge.prove(true)
  refuseDeadlock(edge)
}
