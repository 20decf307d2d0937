// Opens the inspector of this process in Chromium, and uses it as a person would.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { inlineExecutor } from '@posttask/backend-inline'
import { SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { startInspector } from '@posttask/inspector'
import { chromium } from 'playwright-core'

const [executablePath] = process.argv.slice(2)

const pool = new ThreadPool({ executor: inlineExecutor(), name: 'main', traceOrigin: true, onTaskError: () => {} })
const markup = '<img src=x onerror=alert(1)>'
const database = new SequencedTaskRunner(pool, { name: 'database' })
new SequencedTaskRunner(pool, { name: markup })
const mail = new SequencedTaskRunner(pool, { name: 'mail' })
const network = new SequencedTaskRunner(pool, { name: 'network' })
let deliver
mail.postTask(() => new Promise((resolve) => (deliver = resolve)), { name: 'stuck since before' })
const inspector = await startInspector(pool)

const args = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
const browser = await chromium.launch({ executablePath, args: [...args, '--disable-component-update', '--disable-sync'] })
const problems = []

const open = async (url, options) => {
  const tab = await browser.newPage(options)
  tab.setDefaultTimeout(30_000)
  tab.on('pageerror', (error) => problems.push(error.stack ?? String(error)))
  tab.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`))
  await tab.goto(url)
  await tab.getByText('live', { exact: true }).waitFor()
  return tab
}

/** The row of a runner. */
const rowOf = (tab, name) => tab.locator('.runner').filter({ has: tab.getByRole('heading', { name, exact: true }) })

/** Waits until a figure of a runner has this text. */
const figure = (tab, runner, name, text) =>
  rowOf(tab, runner)
    .locator('dl > div')
    .filter({ has: tab.locator('dt', { hasText: new RegExp(`^${name}$`) }) })
    .locator('dd', { hasText: new RegExp(`^${text}$`) })
    .waitFor({ state: 'attached' })

/** Waits until pointing somewhere at the lane of a runner gives a text like this. */
const tipOnLane = async (tab, runner, pattern) => {
  const { x, y, width, height } = await rowOf(tab, runner).locator('canvas').boundingBox()
  for (let round = 0; round < 20; round++) {
    for (let left = width - 2; left > 0; left -= 4) {
      await tab.mouse.move(x + left, y + height / 2)
      if ((await tab.locator('#tip').isVisible()) && pattern.test(await tab.locator('#tip').textContent())) return
    }
  }
  throw new Error(`no tip like ${pattern}`)
}

const saysWhyTasksEnded = async (tab) => {
  network.postTask((context) => context.sleep(500).then(() => Promise.reject(new TypeError('no route'))), { name: 'fails' })
  await figure(tab, 'network', 'failed', '1')
  await tipOnLane(tab, 'network', /^fails: failed after .*\nTypeError: no route\nwaited/)
  network.postTask((context) => context.sleep(5000), { name: 'slow', timeout: 500 })
  await tipOnLane(tab, 'network', /^slow: timed out after .*\nTaskTimeoutError: /)
  const unwanted = network.postTask((context) => context.sleep(5000), { name: 'unwanted' })
  setTimeout(() => unwanted.cancel('changed my mind'), 500)
  await tipOnLane(tab, 'network', /^unwanted: cancelled after .*\nchanged my mind\n/)
}

const usesEverything = async () => {
  const tab = await open(inspector.url, { colorScheme: 'light' })
  await rowOf(tab, markup).waitFor()
  await rowOf(tab, 'mail')
    .getByText(/^stuck since before for more than /)
    .waitFor()
  deliver()
  await rowOf(tab, 'mail').getByText('stuck since before').waitFor({ state: 'detached' })
  await saysWhyTasksEnded(tab)

  let finish
  database.postTask(() => new Promise((resolve) => (finish = resolve)), { name: 'query' })
  await tab.getByRole('img', { name: /^database: query runs, posted from inspector\.mjs:\d+$/ }).waitFor()
  await rowOf(tab, 'database')
    .getByText(/^query for .+, posted from inspector\.mjs:\d+$/)
    .waitFor()
  await tab
    .locator('.longest')
    .getByText(/^query on database for .* s/)
    .waitFor()
  const isDrawn = await rowOf(tab, 'database')
    .locator('canvas')
    .evaluate((canvas) =>
      canvas
        .getContext('2d')
        .getImageData(0, 0, canvas.width, canvas.height)
        .data.some((byte) => byte !== 0),
    )
  assert.ok(isDrawn, 'nothing is drawn on the lane')
  await rowOf(tab, 'database')
    .locator('canvas')
    .hover({ position: { x: (await rowOf(tab, 'database').locator('canvas').boundingBox()).width - 2, y: 17 } })
  await tab
    .locator('#tip')
    .getByText(/query: runs for/)
    .waitFor()

  await tab.getByRole('button', { name: 'Pause database' }).click()
  await tab.getByRole('button', { name: 'Resume database' }).waitFor()
  finish()
  const commit = database.postTask(() => {}, { name: 'commit' })
  await figure(tab, 'database', 'queue', '1')
  await figure(tab, 'database', 'done', '1')
  assert.equal(commit.state, 'queued')
  await tab.getByRole('button', { name: 'Record trace' }).click()
  await tab.getByRole('button', { name: /^Save trace/ }).waitFor()
  await tab.getByRole('button', { name: 'Resume database' }).click()
  await figure(tab, 'database', 'done', '2')
  const download = tab.waitForEvent('download')
  database.postTask(() => {}, { name: 'traced' })
  await figure(tab, 'database', 'done', '3')
  await tab.getByRole('button', { name: /^Save trace/ }).click()
  const { traceEvents } = JSON.parse(await readFile(await (await download).path(), 'utf8'))
  assert.ok(
    traceEvents.some(({ ph, name }) => ph === 'X' && name === 'traced'),
    'the trace lacks a task',
  )

  await tab.getByRole('button', { name: 'Freeze' }).click()
  await tab.getByRole('button', { name: 'Freeze', pressed: true }).waitFor()
  return tab
}

const cannotWriteWithoutToken = async () => {
  const tab = await open(new URL('/', inspector.url).href, {})
  await rowOf(tab, 'database').waitFor()
  await tab.getByText('Read only').waitFor()
  assert.equal(await tab.getByRole('button', { name: /Pause|Record/ }).count(), 0)
  await tab.close()
}

const fitsOnPhone = async () => {
  const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, colorScheme: 'dark' }
  const tab = await open(inspector.url, phone)
  await rowOf(tab, 'database').waitFor()
  const { width, background } = await tab.evaluate(() => ({
    width: document.documentElement.scrollWidth,
    background: getComputedStyle(document.body).backgroundColor,
  }))
  assert.equal(width, 360)
  const [red] = background.match(/\d+/g).map(Number)
  assert.ok(red < 64, `a dark page is ${background}`)
  await tab.close()
}

try {
  const tab = await usesEverything()
  await cannotWriteWithoutToken()
  await fitsOnPhone()
  assert.deepEqual(problems, [])
  await inspector[Symbol.asyncDispose]()
  await tab.getByText('disconnected, trying again').waitFor()
  console.log('consumer ok')
} catch (error) {
  console.error(problems.join('\n'))
  throw error
} finally {
  await browser.close()
  await inspector[Symbol.asyncDispose]()
  await pool.terminate()
}
