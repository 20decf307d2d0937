import { expect, test } from 'vitest'
import { Board } from '../../src/worker/board.ts'

test('C3 a place that is used again knows nothing of the task that had it before', () => {
  const board = new Board()
  const thread = new Board(board.memory)
  board.queue(3)
  thread.claim(3)
  thread.countReport(3, 1)
  board.abort(3)
  expect([thread.isAborted(3), board.reports(3)]).toEqual([true, 1])
  board.queue(3)
  expect([thread.isAborted(3), board.reports(3)]).toEqual([false, 0])
})
