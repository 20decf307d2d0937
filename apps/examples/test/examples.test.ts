import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const run = promisify(execFile)
const source = fileURLToPath(new URL('../src/', import.meta.url))
const register = new URL('../../../scripts/register-typescript.mjs', import.meta.url).href

/** What each example prints, to the letter. Worker modules, which print nothing, are not listed. */
const printed: Record<string, string> = {
  'back-pressure': `
100 rows written, never more than 4 waiting behind the next: true
frames shown: 1 4 5
squares: 1 4 9 16 25; the source was asked for at most 13 items`,
  'basic-sequence': `
posted; nothing has run yet
step 1 starts
step 1 ends
step 2 starts
step 2 ends
step 3 starts
step 3 ends
all done`,
  'custom-hooks': `
rejection hook: one too many: QueueFullError
error hook: charge on orders: card declined
mails cancelled: 1
mails succeeded: 2
orders failed: 1
orders succeeded: 2
deepest queue: 3`,
  delayed: `
before it is due: delayed, cancelled: true, now cancelled
the task without a delay
the task with a delay of 40 ms
the task with a delay of 100 ms
the task with a delay of 200 ms
a task ran before its time: false`,
  'event-bus': `
mail: 1 tea
mail: 2 tea
both orders are done; tea left: 0
tea is sold out
reported: ordered: takeFromStock: not enough tea
refused: RunnerClosedError`,
  keyed: `
account 0: 570
account 1: 590
account 2: 610
0 overlaps within an account, several accounts at a time`,
  'lock-free-cache': `
answers: A B A C B A
fetched: a b c
3 hits, 3 misses`,
  'lock-free-counter': `
100 increments at once: 1
100 increments on a sequence: 100`,
  'metrics-dump': `
stall: order 3 on orders, waiting behind it: 1
pool "main" on inline: 1 of Infinity slots taken, 1 queued, 1 delayed
  sequenced runner "orders"
    runs: "order 3" (#3) for … ms
    waits: "order 4" (#4) for … ms
  parallel runner "mails": 1 delayed
orders: 0 pending, 3 completed, 1 failed, 0 delayed, timed: true
mails: 0 pending, 0 completed, 0 failed, 1 delayed, timed: false
order 4 succeeded
order 3 succeeded
order 2 failed: card declined`,
  'mixed-priority': `
equal:  backup1 render1 click1 backup2 render2 click2 backup3 render3 click3
mixed:  click1 click2 click3 render1 render2 render3 backup1 backup2 backup3
pulled: write, read now, fetch`,
  'parallel-with-barrier': `
barrier: 7 ended, 0 running
barrier: still 7 ended, 0 running
11 ended, at most 3 at a time
all parts before all indexes: true`,
  prometheus: `
posttask_tasks_rejected_total{pool="main",runner="orders",kind="sequenced",reason="queue-full"} 1
posttask_pool_runners{pool="main"} 0
posttask_tasks_completed_total{pool="main",runner="orders",kind="sequenced"} 2
posttask_tasks_failed_total{pool="main",runner="orders",kind="sequenced"} 1
posttask_task_duration_seconds_count{pool="main",runner="orders",kind="sequenced",priority="user-blocking"} 1
posttask_task_duration_seconds_count{pool="main",runner="orders",kind="sequenced",priority="user-visible"} 2`,
  repeating: `
before the first run: scheduled
heartbeat 1
heartbeat 2
heartbeat failed: a missed beat
heartbeat 3
heartbeat 4
stopped itself: stopped
slow runs at a time: 1
repeating tasks: 1 before the shutdown, 0 after it`,
  'sequence-bound': `
left: 70
left: 20
refused: Ann has only 20
the account of Ann is closed with 20
the program goes on`,
  shutdown: `
3 dropped, 1 running, 1 still to run; the heartbeat is closed
task 1 done
task 3 done
rejected: task 7 on worker (runner-closed)
whoever waited was told: true
logged: request 1
logged: request 2
logged: request 3
the pool closed: 6 completed, 0 dropped, 0 terminated`,
  'single-thread': `
red stored, 1 in the store
green stored, 2 in the store
blue stored, 3 in the store
green is #0f0
five tasks ran on 1 thread, which is not the main thread
the other runner: the store is not open`,
  'task-and-reply': `
[ui] loading
[ui] length 11
[ui] user Alice, 25
[ui] sorry: no user 8
4 lines, each written by a task of ui`,
  trace: `
lanes: outside of tasks, ui, io, io (slot 2)
arrows: post post post post reply reply reply
fetch a was posted by openAlbum
problems: 0; a page that loads nothing: true`,
  'worker-tasks': `
on the main thread: false
primes below 100000: 9592
by ranges: 2762 + 2371 + 2260 + 2199 = 9592
progress: 1009
the endless task: AbortError`,
}
const workerModules = ['key-value-store', 'primes']

describe('the examples', () => {
  test.each(Object.entries(printed))(
    'E3 example %s prints what it shows, and ends by itself',
    { timeout: 60_000 },
    async (name, expected) => {
      const args = [
        '--disable-warning=ExperimentalWarning',
        '--conditions=@posttask/source',
        '--import',
        register,
        `${source}${name}.ts`,
      ]
      const { stdout, stderr } = await run(process.execPath, args)
      expect(stdout.trimEnd()).toBe(expected.trimStart())
      expect(stderr).toBe('')
    },
  )

  test('every example in the folder is checked', () => {
    const files = readdirSync(source).filter((name) => name.endsWith('.ts'))
    const known = [...Object.keys(printed), ...workerModules].map((name) => `${name}.ts`)
    expect(files.toSorted()).toEqual(known.toSorted())
  })
})
