import { createHash } from 'node:crypto'
import { pageDataOf } from './page-data.ts'
import { pageScript, pageStyle } from './page-script.ts'
import type { Trace } from './trace-event.ts'

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] as string)

/** Nothing in it can end the element that it is in. */
const json = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c')

/**
 * A timeline of a trace as one page: lanes, tasks, arrows, details as tooltips; it zooms and filters. Up to 300 arrows are
 * drawn at a time, and those of the task under the pointer always. It loads nothing, and its policy lets only its own
 * script run, so it may be attached to anything.
 *
 * @throws Error if the package was bundled without its folder `assets`
 */
export const traceToHtml = (trace: Trace, title = 'posttask trace'): string => {
  const script = `\n${pageScript()}`
  const hash = createHash('sha256').update(script).digest('base64')
  const data = pageDataOf(trace)
  const dropped = Number(trace.otherData['droppedTasks'] ?? 0)
  const summary = `${data.slices} slices over ${(data.span / 1000).toFixed(1)} ms${dropped > 0 ? `; ${dropped} more tasks were not recorded` : ''}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'">
<title>${escaped(title)}</title>
<style>
${pageStyle()}</style>
</head>
<body>
<header>
<h1>${escaped(title)}</h1>
<p>${escaped(summary)}</p>
<nav>
<input id="filter" type="search" placeholder="Filter: name, failed, #12, &gt;5ms" aria-label="Filter" spellcheck="false">
<button type="button" id="out" aria-label="Zoom out">−</button>
<button type="button" id="in" aria-label="Zoom in">+</button>
<button type="button" id="all">All</button>
</nav>
</header>
<p class="key">
<span class="task">task</span> <span class="failed">failed</span> <span class="cancelled">cancelled</span> <span class="unfinished">unfinished</span>
<span class="arrow">post to run</span> <span class="arrow reply">task to reply</span> <span class="arrow dispatch">to its thread</span>
<span id="note" role="status"></span>
</p>
<canvas id="overview" role="img" aria-label="The whole trace; drag to choose a part of it"></canvas>
<div id="lanes" tabindex="0"><div id="space"><canvas id="chart" role="img" aria-label="${escaped(`${title}: ${summary}`)}"></canvas></div></div>
<div id="tip" hidden></div>
<noscript>This page is drawn by a script.</noscript>
<script type="application/json" id="data">${json(data)}</script>
<script type="module">${script}</script>
</body>
</html>
`
}
