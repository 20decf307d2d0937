// Serves this folder on loopback, opens a page of it in Chromium, and waits for the verdict in its title.

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { chromium } from 'playwright-core'

const [page, executablePath] = process.argv.slice(2)
const types = { '.html': 'text/html', '.js': 'text/javascript' }

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://127.0.0.1')
  readFile(join(import.meta.dirname, pathname)).then(
    (body) => response.writeHead(200, { 'content-type': types[extname(pathname)] ?? 'text/plain' }).end(body),
    () => response.writeHead(404).end(),
  )
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
]
args.push('--disable-component-update', '--disable-sync')
const browser = await chromium.launch({ executablePath, args })
try {
  const tab = await browser.newPage()
  const problems = []
  tab.on('pageerror', (error) => problems.push(error.stack ?? String(error)))
  tab.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`))
  await tab.goto(`http://127.0.0.1:${server.address().port}/${page}`)
  await tab.waitForFunction(() => document.title !== 'running', undefined, { timeout: 30_000 }).catch(() => {})
  const verdict = await tab.title()
  console.log(verdict)
  if (verdict !== 'consumer ok') {
    console.error(problems.join('\n'))
    process.exitCode = 1
  }
} finally {
  await browser.close()
  server.close()
}
