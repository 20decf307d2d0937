// Writes docs/pictures/inspector.png and inspector-phone.png: the inspector of a program at work, in Chromium.
// `node --conditions=@posttask/source --import ./scripts/register-typescript.mjs packages/inspector/scripts/take-pictures.mjs [CHROMIUM]`
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { inlineExecutor } from '@posttask/backend-inline'
import { piscinaExecutor } from '@posttask/backend-piscina'
import { ParallelTaskRunner, SequencedTaskRunner, ThreadPool, taskModule } from '@posttask/core'
import { startInspector } from '@posttask/inspector'
import { chromium } from 'playwright-core'

const [executablePath = '/usr/bin/chromium'] = process.argv.slice(2)
const pictures = fileURLToPath(new URL('../../../docs/pictures', import.meta.url))
const { burn } = taskModule(new URL('./burn.mjs', import.meta.url))

/** Loads photos over a slow network, makes them small on two threads, and stores them one after the other. */
const startAlbum = (main, threads) => {
  const ui = new SequencedTaskRunner(main, { name: 'ui', priority: 'user-blocking' })
  const network = new ParallelTaskRunner(main, { name: 'network', maxConcurrency: 3 })
  const database = new SequencedTaskRunner(main, { name: 'database' })
  const resize = new ParallelTaskRunner(threads, { name: 'resize', maxConcurrency: 2 })
  const search = new SequencedTaskRunner(threads, { name: 'search index', priority: 'best-effort' })
  let photo = 0
  const loadNext = () => {
    const name = `photo ${++photo}`
    const fails = photo % 9 === 0
    network.postTask(
      async (context) => {
        await context.sleep(120 + ((photo * 89) % 400))
        if (fails) throw new Error('timed out')
        resize.postTaskAndReply(burn(30 + ((photo * 31) % 90)), () => store(name), { name, replyTo: ui })
      },
      { name, timeout: 480 },
    )
  }
  const store = (name) => {
    database.postTask((context) => context.sleep(60 + ((photo * 53) % 120)), { name: `store ${name}` })
    if (photo % 4 === 0) search.postTask(burn(150), { name: `index ${name}` })
  }
  const timer = setInterval(loadNext, 140)
  const backup = setTimeout(() => database.postTask((context) => context.sleep(60_000), { name: 'nightly backup' }), 9000)
  return () => {
    clearInterval(timer)
    clearTimeout(backup)
  }
}

const take = async (browser, url, file, options) => {
  const tab = await browser.newPage(options)
  await tab.goto(url)
  await tab.locator('canvas').first().waitFor()
  await sleep(12_000)
  await tab.screenshot({ path: join(pictures, file), fullPage: true })
  await tab.close()
}

const executor = piscinaExecutor({ maxThreads: 2 })
const threads = new ThreadPool({ executor, name: 'threads', timing: true, traceOrigin: true, onTaskRejected: () => {} })
const main = new ThreadPool({
  executor: inlineExecutor(),
  name: 'main',
  timing: true,
  traceOrigin: true,
  onTaskError: () => {},
  onTaskRejected: () => {},
})
const inspector = await startInspector([main, threads], { executors: [executor] })
const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
const browser = await chromium.launch({ executablePath, args })
const end = startAlbum(main, threads)
try {
  const desktop = { viewport: { width: 1240, height: 600 }, colorScheme: 'light' }
  const phone = {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    colorScheme: 'dark',
    isMobile: true,
    hasTouch: true,
  }
  await Promise.all([
    take(browser, inspector.url, 'inspector.png', desktop),
    take(browser, inspector.url, 'inspector-phone.png', phone),
  ])
} finally {
  end()
  await browser.close()
  await inspector[Symbol.asyncDispose]()
  await Promise.all([main.terminate(), threads.terminate()])
}
