import { formatBytes, formatClock, formatCount, formatFiles } from './figures.ts'
import { type NoticeKind, noticeLabels } from './notice.ts'
import type { Paint } from './paint.ts'
import type { Summary } from './summary.ts'

/** The summary of a run, for people. */
export function renderSummary(summary: Summary, paint: Paint): string {
  return `${[...headline(summary, paint), ...findings(summary), ...thisRun(summary), ...runnerTable(summary, paint), ...nextStep(summary, paint)].join('\n')}\n`
}

function headline({ root, wasInterrupted, figures, elapsedMs }: Summary, paint: Paint): string[] {
  const { files, bytes } = figures
  const what = `${formatFiles(files)}, ${formatBytes(bytes)} in ${formatClock(elapsedMs)}`
  const verdict = wasInterrupted ? paint.warning('Interrupted') : paint.good('Indexed')
  const remark = wasInterrupted ? ': what was read until then is in the index, the next run does the rest' : ''
  return [`${verdict} ${paint.strong(root)}: ${what}${remark}`]
}

function findings({ figures, searchable }: Summary): string[] {
  const { added, updated, touched, unchanged, removed, links, ignored, notices } = figures
  const changes = [
    [added, 'added'],
    [updated, 'updated'],
    [unchanged + touched, 'unchanged'],
    [removed, 'removed'],
  ] as const
  const left: (readonly [number, string])[] = [
    ...Object.entries(noticeLabels).map(([kind, label]) => [notices[kind as NoticeKind] ?? 0, label] as const),
    [links, 'symbolic links not followed'],
    [ignored, 'ignored by name (.git, *.map)'],
  ]
  const named = left.filter(([count]) => count > 0).map(([count, label]) => `${formatCount(count)} ${label}`)
  return [
    `  index     ${changes.map(([count, label]) => `${formatCount(count)} ${label}`).join(', ')}; ${formatFiles(searchable)} can be searched`,
    `  remarks   ${named.length === 0 ? 'none' : named.join(', ')}`,
  ]
}

function thisRun({ backend, jobs, health, elapsedMs, figures }: Summary): string[] {
  const rate = formatBytes((figures.bytes / Math.max(1, elapsedMs)) * 1000)
  return [
    `  this run  ${backend}, ${jobs} ${jobs === 1 ? 'job' : 'jobs'}, ${rate}/s; peak memory ${formatBytes(health.peakMemory)}; ` +
      `event loop delay p99 ${health.loopDelayP99.toFixed(1)} ms, max ${health.loopDelayMax.toFixed(1)} ms`,
  ]
}

function runnerTable({ runners }: Summary, paint: Paint): string[] {
  const header = ['runner', 'kind', 'completed', 'failed', 'dropped', 'wait p50', 'wait p99', 'run p50', 'run p99']
  const ms = (value: number | undefined): string => (value === undefined ? '-' : `${value.toFixed(1)} ms`)
  const rows = runners.map(({ name, kind, completed, failed, cancelled, rejected, waitMs, runMs }) => [
    name,
    kind,
    formatCount(completed),
    formatCount(failed),
    formatCount(cancelled + rejected),
    ms(waitMs?.p50),
    ms(waitMs?.p99),
    ms(runMs?.p50),
    ms(runMs?.p99),
  ])
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')
  return ['', `  ${paint.faint(line(header))}`, ...rows.map((row) => `  ${line(row)}`)]
}

function nextStep({ searchable }: Summary, paint: Paint): string[] {
  return searchable === 0 ? [] : ['', paint.faint('Search it: pnpm demo search WORDS')]
}
