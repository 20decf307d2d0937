// Opens the page of a trace in Chromium, and uses it as a person would.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inlineExecutor } from '@posttask/backend-inline'
import { SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { TraceRecorder } from '@posttask/diagnostics'
import { chromium } from 'playwright-core'

const [executablePath] = process.argv.slice(2)

const markup = '<img src=x onerror=alert(1)>'
const folder = await mkdtemp(join(tmpdir(), 'trace-page-'))
const page = join(folder, 'trace.html')

/** Four hundred tasks, each posted by the one before, and some of their own kind. */
const record = async () => {
  const pool = new ThreadPool({ executor: inlineExecutor(), name: 'main', onTaskError: () => {} })
  const recorder = new TraceRecorder([pool])
  const relay = new SequencedTaskRunner(pool, { name: 'relay' })
  const database = new SequencedTaskRunner(pool, { name: 'database' })
  const pass = (rest) => relay.postTask(() => rest > 0 && pass(rest - 1), { name: `pass ${rest}` })
  pass(399)
  database.postTask((context) => context.sleep(100), { name: 'query' })
  database.postTask(() => Promise.reject(new Error('no such table')), { name: markup })
  await Promise.all([relay.waitQuiescent(), database.waitIdle()])
  await recorder.writeTrace(page)
  await pool.close()
}

const problems = []

const open = async (browser, options) => {
  const tab = await browser.newPage(options)
  tab.setDefaultTimeout(30_000)
  tab.on('pageerror', (error) => problems.push(error.stack ?? String(error)))
  tab.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`))
  await tab.goto(pathToFileURL(page).href)
  await tab.getByText(/^402 slices over /).waitFor()
  return tab
}

/** Waits until the page says this of what is shown. */
const note = (tab, text) => tab.locator('#note', { hasText: text }).waitFor({ state: 'attached' })

/** The text of the tip of the first place on the chart that has one like this. */
const tipOf = async (tab, pattern) => {
  const { x, y, width, height } = await tab.locator('#chart').boundingBox()
  for (let down = 30; down < height; down += 22) {
    for (let right = 5; right < width; right += 5) {
      await tab.mouse.move(x + right, y + down)
      const text = await tab.locator('#tip').textContent()
      if ((await tab.locator('#tip').isVisible()) && pattern.test(text)) return text
    }
  }
  throw new Error(`no tip like ${pattern}`)
}

const pixels = (tab) => tab.locator('#chart').evaluate((chart) => chart.toDataURL())

const usesEverything = async (browser) => {
  const tab = await open(browser, { viewport: { width: 1000, height: 500 } })
  await note(tab, '402 arrows are too many to draw (up to 300)')
  assert.match(await tipOf(tab, /^query/), /^query \(#\d+\): .*\nfrom .*pool main: database\nrunner: database\n/)

  const filter = tab.getByRole('searchbox', { name: 'Filter' })
  await filter.fill('failed')
  await note(tab, /^1 of 402 slices$/)
  assert.match(await tipOf(tab, /^<img/), /error: Error: no such table/)
  await filter.fill('pass')
  await note(tab, /^400 of 402 slices · 400 arrows are too many/)
  await filter.fill('query')
  await note(tab, /^1 of 402 slices$/)
  await filter.fill('')
  await note(tab, '402 arrows are too many')

  const whole = await pixels(tab)
  const overview = await tab.locator('#overview').boundingBox()
  await tab.mouse.move(overview.x + overview.width * 0.9, overview.y + 10)
  await tab.mouse.down()
  await tab.mouse.move(overview.x + overview.width * 0.98, overview.y + 10)
  await tab.mouse.up()
  await note(tab, /^$/)
  const part = await pixels(tab)
  assert.notEqual(part, whole)
  await tab.getByRole('button', { name: 'All' }).click()
  await note(tab, '402 arrows are too many')
  const chart = await tab.locator('#chart').boundingBox()
  await tab.mouse.move(chart.x + 800, chart.y + 60)
  await tab.keyboard.down('Control')
  for (let i = 0; i < 10; i++) await tab.mouse.wheel(0, -500)
  await tab.keyboard.up('Control')
  await note(tab, /^$/)
  await tab.getByRole('button', { name: 'Zoom out' }).click()
  await tab.locator('#lanes').press('0')
  await note(tab, '402 arrows are too many')
  await tab.close()
}

const fitsOnPhone = async (browser) => {
  const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, colorScheme: 'dark' }
  const tab = await open(browser, phone)
  assert.equal(await tab.evaluate(() => document.documentElement.scrollWidth), 360)
  const { x, y } = await tab.locator('#chart').boundingBox()
  for (let down = 30; down < 200 && !(await tab.locator('#tip').isVisible()); down += 22)
    for (let right = 100; right < 340; right += 60) await tab.touchscreen.tap(x + right, y + down)
  assert.ok(await tab.locator('#tip').isVisible(), 'no tap on a task shows what it is')
  await tab.close()
}

const args = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
await record()
const browser = await chromium.launch({ executablePath, args: [...args, '--disable-component-update', '--disable-sync'] })
try {
  await usesEverything(browser)
  await fitsOnPhone(browser)
  assert.deepEqual(problems, [])
  console.log('consumer ok')
} catch (error) {
  console.error(problems.join('\n'))
  throw error
} finally {
  await browser.close()
  await rm(folder, { recursive: true })
}
