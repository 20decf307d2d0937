import type { TaskEvent } from '@posttask/core'
import { expect, test } from 'vitest'
import { TaskWatch } from '../src/task-watch.ts'

test('F5 a task that was on its way to a thread that was lost does not run any more when it is given up', () => {
  const watch = new TaskWatch(() => 0)
  const event = { task: { id: 1 }, name: 'work', runner: { name: 'r' }, priority: 'user-visible' } as unknown as TaskEvent
  watch.onStarted(event)
  expect(watch.longest(5).map(({ name }) => name)).toEqual(['work'])
  watch.onRejected({ ...event, reason: 'shutdown', error: new Error('shut down') })
  expect(watch.longest(5)).toEqual([])
})
