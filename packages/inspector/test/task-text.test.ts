import { describe, expect, test } from 'vitest'
import { ageText, endedText, noteText, runningText } from '../assets/task-text.js'
import { reasonOf } from '../src/reason-of.ts'
import type { RunningSnapshot, SliceSnapshot } from '../src/snapshot.ts'

const slice: SliceSnapshot = {
  name: 'load',
  endedAt: 100,
  runMs: 20,
  waitMs: 5,
  outcome: 'succeeded',
  hasStarted: true,
  reason: undefined,
  thread: undefined,
  site: undefined,
}

const running: RunningSnapshot = {
  id: 1,
  name: 'query',
  runner: 'db',
  ageMs: 4000,
  isAgeKnown: true,
  isCancelled: false,
  site: undefined,
}

describe('the tip of a task', () => {
  test('says how it ended, why, and all that is known of it', () => {
    expect(endedText({ ...slice, thread: 3, site: 'f (a.ts:1:2)' })).toBe(
      'load: done after 20 ms\nwaited 5.0 ms, thread 3\nposted from f (a.ts:1:2)',
    )
    expect(endedText({ ...slice, outcome: 'failed', reason: 'Error: gone' })).toBe(
      'load: failed after 20 ms\nError: gone\nwaited 5.0 ms',
    )
    expect(endedText({ ...slice, outcome: 'timed-out', reason: 'limit' })).toMatch(/^load: timed out after 20 ms\nlimit\n/)
    expect(endedText({ ...slice, outcome: 'cancelled', hasStarted: false })).toMatch(/^load: cancelled before its start\n/)
  })

  test('says for how long it runs, as far as that is known', () => {
    expect(runningText(running)).toBe('query: runs for 4.0 s')
    expect(runningText({ ...running, isCancelled: true, isAgeKnown: false, site: 'f (a.ts:1:2)' })).toBe(
      'query: runs for more than 4.0 s, cancelled, and has not stopped\nposted from f (a.ts:1:2)',
    )
    expect([ageText(running), noteText(running)]).toEqual(['4.0 s', ''])
  })
})

test('a reason is short text, whatever was thrown', () => {
  const unreadable = Object.defineProperty(new Error(), 'message', {
    get: () => {
      throw new Error('expected')
    },
  })
  expect([undefined, new RangeError('no'), 'words', 404, null, {}, () => {}, Symbol('s'), unreadable].map(reasonOf)).toEqual([
    undefined,
    'RangeError: no',
    'words',
    '404',
    'a thrown object',
    'a thrown object',
    'a thrown function',
    'Symbol(s)',
    'an error that cannot be read',
  ])
  expect(reasonOf('x'.repeat(1000))).toBe(`${'x'.repeat(299)}…`)
})
