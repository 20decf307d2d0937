import { createHash } from 'node:crypto'
import { Script } from 'node:vm'
import { ParallelTaskRunner, SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { type Trace, type TraceEvent, TraceRecorder, traceToHtml } from '@posttask/diagnostics'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { arrowsAt, arrowsInSight } from '../assets/arrows.js'
import { boxAt, boxesOf } from '../assets/boxes.js'
import { countOf, matchesOf, parseFilter } from '../assets/filter.js'
import { firstFrom, readLanes } from '../assets/lanes.js'
import { between, moved, wholeOf, zoomed } from '../assets/range.js'
import { rowsOf } from '../assets/rows.js'
import { tickLabel, ticksOf, time } from '../assets/time.js'
import { tipText } from '../assets/tip.js'
import { type PageData, pageDataOf } from '../src/page-data.ts'

/** A click that loads two photos, of which one fails, and shows the other. */
const album = async (): Promise<Trace> => {
  await using env = createTestEnvironment()
  const pool = new ThreadPool({ executor: env.createExecutor(), name: 'main', onTaskError: () => {} })
  using recorder = new TraceRecorder([pool], { now: () => env.clock.now() })
  const ui = new SequencedTaskRunner(pool, { name: 'ui' })
  const io = new ParallelTaskRunner(pool, { name: 'io', maxConcurrency: 2 })
  const load = () => {
    const show = { name: 'show a', replyTo: ui, replyOptions: { name: 'show a' } }
    io.postTaskAndReply(
      (task) => task.sleep(20),
      () => {},
      { ...show, name: 'fetch a' },
    )
    io.postTask(() => Promise.reject(new Error('gone')), { name: 'fetch b' })
  }
  ui.postTask(load, { name: 'click' })
  await env.advanceBy(30)
  const trace = recorder.trace()
  await pool.close()
  return trace
}

const traceOf = (traceEvents: readonly TraceEvent[], droppedTasks = 0): Trace => ({
  traceEvents,
  displayTimeUnit: 'ms',
  otherData: { droppedTasks },
})

const slice = (event: Partial<TraceEvent>): TraceEvent => ({
  ph: 'X',
  name: 't',
  pid: 1,
  tid: 1,
  ts: 0,
  dur: 10,
  args: {},
  ...event,
})

/** Slices on one lane, each from a time to another with an outcome. */
const laneOf = (...slices: readonly [from: number, to: number, outcome?: string][]) => {
  const events = slices.map(([from, to, outcome], id) => slice({ ts: from, dur: to - from, args: { id: id + 1, outcome } }))
  const data = pageDataOf(traceOf([slice({ tid: 2, dur: 0 }), ...events]))
  return { data, lane: readLanes(data)[1] as ReturnType<typeof readLanes>[number] }
}

const dataIn = (page: string): PageData =>
  JSON.parse(/<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? '') as PageData

const scriptIn = (page: string): string => /<script type="module">(.*?)<\/script>/s.exec(page)?.[1] ?? ''

describe('the page of a trace', () => {
  test('it has every lane, task and arrow, loads nothing, and runs its own script only', async () => {
    const page = traceToHtml(await album(), 'album')
    const { lanes, names, arrows, slices } = dataIn(page)
    expect(lanes.map(({ pool, name }) => `${pool}: ${name}`)).toEqual([
      'pool main: outside of tasks',
      'pool main: ui',
      'pool main: io',
      'pool main: io (slot 2)',
    ])
    expect(lanes.map((lane) => lane.names.map((name) => names[name]))).toEqual([
      [],
      ['click', 'show a'],
      ['fetch a'],
      ['fetch b'],
    ])
    // oxlint-disable-next-line typescript/require-array-sort-compare -- words, in any fixed order
    expect([slices, arrows.kinds.map((kind) => names[kind]).toSorted()]).toEqual([4, ['post', 'post', 'post', 'reply']])
    const script = scriptIn(page)
    expect(page).toContain(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'"`)
    expect(page).toContain("default-src 'none'")
    expect(page.replace(script, '')).not.toMatch(/https?:|src=|href=|url\(|@import/)
  })

  test('its script is whole: one file, whose parts share no name', async () => {
    const script = scriptIn(traceToHtml(await album()))
    expect(script).not.toMatch(/^(import|export) /m)
    expect(() => new Script(`'use strict';${script}`)).not.toThrow()
  })

  test('what a task is called cannot become markup', () => {
    const name = '</script><script>alert("&")</script>'
    const page = traceToHtml(traceOf([slice({ name, args: { error: '<!--<script>' } })]), '<b>"&"')
    expect(dataIn(page).names).toEqual([name])
    expect(page.match(/<script/g)).toHaveLength(2)
    expect(page).toContain('<title>&lt;b&gt;&quot;&amp;&quot;</title>')
  })

  test('two hundred thousand slices are no problem, and what is missing is said', () => {
    const events = Array.from({ length: 200_000 }, (_, ts) => slice({ ts, dur: 1 }))
    const page = traceToHtml(traceOf(events, 5))
    expect(page).toContain('200000 slices over 200.0 ms; 5 more tasks were not recorded')
    expect(page.length).toBeLessThan(200_000 * 30)
  })

  test('a trace without tasks is a page as well', () => {
    expect(traceToHtml(traceOf([]))).toContain('0 slices over 0.0 ms<')
  })
})

describe('the data of the page', () => {
  test('an arrow goes from its moment, and the task that was running, to the start of a slice', async () => {
    const { arrows, lanes, names } = pageDataOf(await album())
    const nameOf = (lane: number, at: number): string => names[lanes[lane]?.names[at] ?? -1] ?? 'outside'
    const drawn = arrows.kinds.map((kind, arrow) => {
      const from = nameOf(arrows.fromLanes[arrow] ?? 0, arrows.fromSlices[arrow] ?? 0)
      return `${names[kind]}: ${from} > ${nameOf(arrows.toLanes[arrow] ?? 0, arrows.toSlices[arrow] ?? 0)}`
    })
    expect(drawn.toSorted()).toEqual([
      'post: click > fetch a',
      'post: click > fetch b',
      'post: outside > click',
      'reply: fetch a > show a',
    ])
  })

  test('what tasks have in common is there once, and readable', () => {
    const posted_from = { function: 'load', file: 'a.ts', line: 7 }
    const args = { runner: 'io', outcome: 'failed', n: { deep: 1 }, posted_from }
    const { details, lanes } = pageDataOf(traceOf([1, 2].map((id) => slice({ ts: id * 20, args: { id, ...args } }))))
    expect(details).toEqual([
      { text: 'runner: io\noutcome: failed\nn: {"deep":1}\nposted from: load (a.ts:7)', outcome: 'failed' },
    ])
    expect(lanes).toMatchObject([{ name: 'lane 1', starts: [0, 20], ids: [1, 2], details: [0, 0] }])
  })
})

describe('the range that is shown', () => {
  const whole = wholeOf(1000)

  test('zooming keeps what is under the pointer, and never leaves the trace', () => {
    expect(zoomed(whole, 250, 2, whole)).toEqual({ from: 125, to: 625 })
    expect(zoomed({ from: 0, to: 100 }, 0, 0.5, whole)).toEqual({ from: 0, to: 200 })
    expect(zoomed({ from: 900, to: 1000 }, 900, 0.5, whole)).toEqual({ from: 800, to: 1000 })
    expect(zoomed({ from: 100, to: 200 }, 150, 0.001, whole)).toEqual(whole)
    expect(zoomed({ from: 100, to: 102 }, 101, 1000, whole)).toEqual({ from: 100.5, to: 101.5 })
  })

  test('moving ends at both ends of the trace', () => {
    expect(moved({ from: 100, to: 300 }, 50, whole)).toEqual({ from: 150, to: 350 })
    expect(moved({ from: 100, to: 300 }, -500, whole)).toEqual({ from: 0, to: 200 })
    expect(moved({ from: 100, to: 300 }, 5000, whole)).toEqual({ from: 800, to: 1000 })
  })

  test('choosing goes in both directions, and has a least length', () => {
    expect(between(700, 200, whole)).toEqual({ from: 200, to: 700 })
    expect(between(1000, 1000, whole)).toEqual({ from: 999, to: 1000 })
    expect(wholeOf(0)).toEqual({ from: 0, to: 1 })
  })
})

test('ticks are 1, 2 or 5 times a power of ten apart, and their labels exact', () => {
  expect(ticksOf({ from: 150, to: 1000 }, 5)).toEqual({ step: 200, ticks: [200, 400, 600, 800, 1000] })
  expect(ticksOf({ from: 0, to: 9e6 }, 10)).toMatchObject({ step: 1e6 })
  expect(ticksOf({ from: 0, to: 0.4 }, 10).step).toBeCloseTo(0.05)
  expect([tickLabel(200, 200), tickLabel(12_000, 1000), tickLabel(5e6, 1e6)]).toEqual(['0.2 ms', '12 ms', '5 s'])
  expect([time(1.25), time(999), time(20_000), time(2_500_000)]).toEqual(['1.3 µs', '999 µs', '20.000 ms', '2.500 s'])
})

describe('the boxes of a lane', () => {
  const range = { from: 0, to: 100 }

  test('a slice is a box, as far as it is in the range', () => {
    const { data, lane } = laneOf([0, 20], [40, 60], [90, 120])
    const boxes = boxesOf(lane, data.details, undefined, { from: 10, to: 110 }, 1000)
    expect(boxes.map(({ x, width, slice: at }) => [x, width, at])).toEqual([
      [0, 100, 0],
      [300, 200, 1],
      [800, 200, 2],
    ])
    expect(firstFrom(lane, 61)).toBe(2)
  })

  test('slices that share a pixel are one box: the longest, and the worst outcome', () => {
    const { data, lane } = laneOf([0, 0.2, 'succeeded'], [0.2, 0.6, 'failed'], [0.7, 0.8, 'cancelled'], [50, 60, 'cancelled'])
    expect(boxesOf(lane, data.details, undefined, range, 100)).toEqual([
      { x: 0, width: 1, slice: 1, count: 3, outcome: 'failed', isFaint: false },
      { x: 50, width: 10, slice: 3, count: 1, outcome: 'cancelled', isFaint: false },
    ])
  })

  test('however many slices there are, there are few more boxes than pixels', () => {
    const { data, lane } = laneOf(...Array.from({ length: 10_000 }, (_, n): [number, number] => [n / 100, n / 100 + 0.005]))
    expect(boxesOf(lane, data.details, undefined, range, 50).length).toBeLessThanOrEqual(51)
    expect(boxesOf(lane, data.details, undefined, range, 50).reduce((sum, { count }) => sum + count, 0)).toBe(10_000)
  })

  test('what a filter does not mean is faint, and hides nothing that it means', () => {
    const { data, lane } = laneOf([0, 0.5], [0.5, 0.6], [0.6, 0.9], [50, 60])
    const boxes = boxesOf(lane, data.details, Uint8Array.from([0, 1, 0, 0]), range, 100)
    expect(boxes.map(({ slice: at, count, isFaint }) => [at, count, isFaint])).toEqual([
      [1, 1, false],
      [3, 1, true],
    ])
  })

  test('pointing near a narrow one means it, and between two the nearer', () => {
    const { data, lane } = laneOf([10, 10.1], [16, 40], [20, 30])
    const boxes = boxesOf(lane, data.details, undefined, range, 100)
    const at = (x: number): number | undefined => boxAt(boxes, x)?.slice
    expect([5, 7, 10.5, 13, 15, 17, 25, 43, 45].map(at)).toEqual([undefined, 0, 0, 0, 1, 1, 2, 1, undefined])
  })

  test('a slice within another one is drawn on it', () => {
    const { data, lane } = laneOf([0, 100], [20, 30])
    expect(boxesOf(lane, data.details, undefined, { from: 50, to: 100 }, 100)).toMatchObject([{ slice: 0, x: 0, width: 100 }])
    expect(boxesOf(lane, data.details, undefined, range, 100)).toMatchObject([{ slice: 0 }, { slice: 1, x: 20, width: 10 }])
  })
})

describe('the filter', () => {
  test('is words, a duration and an id', () => {
    expect(parseFilter('  Fetch  io ')).toEqual({ words: ['fetch', 'io'], longerThan: -1, id: 0 })
    expect(parseFilter('>5ms #12')).toEqual({ words: [], longerThan: 5000, id: 12 })
    expect(['>5', '>1.5s', '>7us', '>7µs'].map((text) => parseFilter(text).longerThan)).toEqual([5000, 1.5e6, 7, 7])
    expect(parseFilter('> #x').words).toEqual(['>', '#x'])
  })

  test('means slices by their names, lanes, pools, outcomes, errors, ids and durations', async () => {
    const data = pageDataOf(await album())
    const meant = (text: string): string[] =>
      (matchesOf(data, text) ?? []).flatMap((matches, lane) =>
        [...matches].flatMap((isMeant, at) => (isMeant === 1 ? [data.names[data.lanes[lane]?.names[at] ?? -1] ?? ''] : [])),
      )
    expect(matchesOf(data, ' ')).toBe(undefined)
    expect(meant('fetch')).toEqual(['fetch a', 'fetch b'])
    expect(meant('IO succeeded')).toEqual(['fetch a'])
    expect(meant('failed')).toEqual(['fetch b'])
    expect(meant('gone')).toEqual(['fetch b'])
    expect(meant('pool slot')).toEqual(['fetch b'])
    expect(meant('>5ms')).toEqual(['fetch a'])
    const id = data.lanes[2]?.ids[0]
    expect(meant(`#${id}`)).toEqual(['fetch a'])
    expect(countOf(matchesOf(data, 'a') ?? [])).toBe(4)
  })

  test('leaves the lanes of what it means and of the posts of that, under their pools', async () => {
    const data = pageDataOf(await album())
    const rows = (text: string): string[] =>
      rowsOf(readLanes(data), data.arrows, matchesOf(data, text)).map(({ text: row }) => row)
    expect(rows('')).toEqual(['pool main', 'outside of tasks', 'ui', 'io', 'io (slot 2)'])
    expect(rows('show')).toEqual(['pool main', 'ui', 'io'])
    expect(rows('click')).toEqual(['pool main', 'outside of tasks', 'ui'])
    expect(rows('nothing')).toEqual([])
  })
})

describe('the arrows', () => {
  test('are those of which an end is in sight, to what the filter means', async () => {
    const data = pageDataOf(await album())
    const lanes = readLanes(data)
    const whole = wholeOf(data.span)
    const count = (filter: string, range = whole, isInSight = (_lane: number): boolean => true): number =>
      arrowsInSight(data.arrows, lanes, matchesOf(data, filter), range, isInSight).length
    expect(count('')).toBe(4)
    expect(count('fetch')).toBe(2)
    expect(count('', { from: 15_000, to: 25_000 })).toBe(1)
    expect(count('', { from: 5000, to: 6000 })).toBe(0)
    expect(count('', whole, (lane) => lane === 0)).toBe(1)
  })

  test('of one task are those to it and from it', async () => {
    const { arrows } = pageDataOf(await album())
    expect([arrowsAt(arrows, 1, 0).length, arrowsAt(arrows, 2, 0).length, arrowsAt(arrows, 3, 0).length]).toEqual([3, 2, 1])
  })
})

test('the tip says all that is known', async () => {
  const data = pageDataOf(await album())
  const tip = (count: number): string =>
    tipText(data, readLanes(data), {
      lane: 3,
      box: { slice: 0, count, x: 0, width: 1, outcome: 'failed', isFaint: false },
    })
  expect(tip(1)).toMatch(
    /^fetch b \(#\d+\): .*\nfrom .* on, pool main: io \(slot 2\)\nrunner: io\npriority: user-visible\noutcome: failed\nerror: Error: gone/,
  )
  expect(tip(7)).toMatch(/^7 in one pixel; the longest:\nfetch b /)
})
