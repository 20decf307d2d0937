import type { TaskRecord } from './task-record.ts'

/** A doubly linked list through the records themselves: O(1) at both ends and in the middle, no memory of its own. */
export class TaskList {
  head: TaskRecord | undefined = undefined
  tail: TaskRecord | undefined = undefined

  push(record: TaskRecord): void {
    const { tail } = this
    record.prev = tail
    if (tail === undefined) this.head = record
    else tail.next = record
    this.tail = record
  }

  unshift(record: TaskRecord): void {
    const { head } = this
    record.next = head
    if (head === undefined) this.tail = record
    else head.prev = record
    this.head = record
  }

  remove(record: TaskRecord): void {
    const { next, prev } = record
    if (prev === undefined) this.head = next
    else prev.next = next
    if (next === undefined) this.tail = prev
    else next.prev = prev
    // A finished record must not keep its successors alive.
    record.next = undefined
    record.prev = undefined
  }

  *[Symbol.iterator](): Generator<TaskRecord, void> {
    let record = this.head
    while (record !== undefined) {
      const { next } = record
      yield record
      record = next
    }
  }
}

/** The task that waits longest, those that `starts` names left out. What a bound does not count is passed over too. */
export const oldestOf = (
  lists: readonly Iterable<TaskRecord>[],
  starts: (record: TaskRecord) => boolean,
): TaskRecord | undefined => {
  let oldest: TaskRecord | undefined
  for (const list of lists) {
    for (const record of list) {
      if (starts(record) || record.isExempt) continue
      if (oldest === undefined || record.order < oldest.order) oldest = record
      break
    }
  }
  return oldest
}
