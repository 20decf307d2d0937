// Writes docs/pictures/trace.png: the page of a trace that the code search of the examples writes of itself, in Chromium.
// `node --conditions=@posttask/source --import ./scripts/register-typescript.mjs packages/diagnostics/scripts/take-pictures.mjs [CHROMIUM]`
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { traceToHtml } from '@posttask/diagnostics'
import { chromium } from 'playwright-core'

const [executablePath = '/usr/bin/chromium'] = process.argv.slice(2)
const root = fileURLToPath(new URL('../../..', import.meta.url))
const pictures = join(root, 'docs', 'pictures')
const folder = mkdtempSync(join(tmpdir(), 'pictures-'))

/** A run on two threads; returns its trace. */
const recordRun = () => {
  const file = join(folder, 'trace.json')
  const loader = ['--conditions=@posttask/source', '--import', './scripts/register-typescript.mjs']
  const run = ['packages/core/src', '--backend', 'piscina', '--jobs', '2', '--quiet']
  const files = ['--db', join(folder, 'index.sqlite'), '--trace', file]
  const program = 'apps/examples/src/indexer/main.ts'
  const { status, stderr } = spawnSync(process.execPath, [...loader, program, ...run, ...files], { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the code search ended with ${status}\n${stderr}`)
  return JSON.parse(readFileSync(file, 'utf8'))
}

/** What begins and ends in `spanMs` after the `skipped`-th task of a runner has ended: threads take longest to start. */
const cut = ({ traceEvents, ...rest }, runner, skipped, spanMs) => {
  const ends = traceEvents
    .filter(({ ph, args }) => ph === 'X' && args?.runner === runner && args.outcome !== undefined)
    .map(({ ts, dur }) => ts + dur)
    .toSorted((a, b) => a - b)
  const from = ends[skipped]
  const to = from + spanMs * 1000
  const within = ({ ph, ts, dur = 0 }) => ph === 'M' || (ts >= from && ts + dur <= to)
  return { ...rest, traceEvents: traceEvents.filter(within) }
}

const takePage = async (browser, page, file) => {
  const tab = await browser.newPage({ viewport: { width: 1240, height: 560 }, colorScheme: 'light' })
  await tab.goto(pathToFileURL(page).href)
  await tab.screenshot({ path: file })
}

/** Chrome's own Performance panel, which comes with the browser: loads the trace as a user would. */
const takePanel = async (browser, trace, file) => {
  const tab = await browser.newPage({ viewport: { width: 1240, height: 760 }, colorScheme: 'light' })
  await tab.goto('devtools://devtools/bundled/devtools_app.html?panel=timeline')
  const chooser = tab.waitForEvent('filechooser')
  await tab.getByRole('button', { name: /^Load/ }).first().click()
  await (await chooser).setFiles(trace)
  await tab.getByText('Event log').waitFor()
  await tab.locator('devtools-shortcut-dialog').first().waitFor()
  await tab.locator('devtools-shortcut-dialog').evaluateAll((dialogs) => {
    for (const dialog of dialogs) dialog.remove()
  })
  await tab.getByRole('button', { name: 'Hide sidebar' }).click()
  await tab.waitForTimeout(1000)
  // Both pools are folded: the lower one first, for it moves. The chart is a canvas.
  await tab.mouse.click(10, 150)
  await tab.waitForTimeout(500)
  await tab.mouse.click(10, 129)
  await tab.waitForTimeout(500)
  // Unfolds the first lane that is not empty, and selects a task of it.
  await tab.mouse.click(20, 168)
  await tab.waitForTimeout(500)
  await tab.mouse.click(600, 184)
  await tab.waitForTimeout(500)
  await tab.screenshot({ path: file })
}

mkdirSync(pictures, { recursive: true })
const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
const browser = await chromium.launch({ executablePath, args })
try {
  const trace = cut(recordRun(), 'tokens', 4, 40)
  const json = join(folder, 'cut.json')
  const page = join(folder, 'cut.html')
  writeFileSync(json, JSON.stringify(trace))
  writeFileSync(page, traceToHtml(trace, 'The code search on two threads: 40 ms of it'))
  await takePage(browser, page, join(pictures, 'trace.png'))
  await takePanel(browser, json, join(pictures, 'devtools.png'))
} finally {
  await browser.close()
  rmSync(folder, { recursive: true })
}
