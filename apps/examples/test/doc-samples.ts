import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** One TypeScript fence of a page. */
export interface DocSample {
  /** Page and line, as an editor opens it. */
  readonly title: string
  /** Where it was written. Its line numbers are those of the page. */
  readonly file: string
  /** False for a module that others import (its first line is `// name.ts`), and for a fence marked `no-run`. */
  readonly isProgram: boolean
  /** The `text` fence that follows at once: what it prints. */
  readonly prints: string | undefined
}

const fence = /^```(?<info>[^\n]*)\n(?<body>.*?)^```$/gms

const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length

const samplesOf = (page: string, text: string, folder: string): DocSample[] => {
  const samples: DocSample[] = []
  const fences = [...text.matchAll(fence)]
  for (const [position, match] of fences.entries()) {
    const { info, body } = match.groups as { info: string; body: string }
    const [language, ...marks] = info.split(' ')
    if (language !== 'ts') continue
    const line = lineOf(text, match.index)
    const name = /^\/\/ (?<name>[\w-]+\.ts)\n/.exec(body)?.groups?.['name']
    const file = join(folder, name ?? `line-${line}.ts`)
    const next = fences[position + 1]
    const isFollowed = next?.groups?.['info'] === 'text' && text.slice(match.index + match[0].length, next.index).trim() === ''
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, '\n'.repeat(line) + body)
    samples.push({
      title: `${page}:${line}`,
      file,
      isProgram: name === undefined && !marks.includes('no-run'),
      prints: isFollowed ? next.groups?.['body'] : undefined,
    })
  }
  return samples
}

const pagesOf = (root: string): string[] => {
  const folders = readdirSync(join(root, 'packages')).map((name) => join('packages', name, 'README.md'))
  const docs = readdirSync(join(root, 'docs')).map((name) => join('docs', name))
  const decisions = readdirSync(join(root, 'docs', 'adr')).map((name) => join('docs', 'adr', name))
  const pages = ['README.md', ...folders, ...docs, ...decisions].filter((page) => page.endsWith('.md'))
  return pages.filter((page) => existsSync(join(root, page)))
}

/**
 * Writes every TypeScript fence of the workspace's pages to a file below `folder`, which is empty, one folder for each page,
 * beside a `tsconfig.json` for them all.
 */
export const writeDocSamples = (root: string, folder: string, baseConfig: string): DocSample[] => {
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: relative(folder, baseConfig), include: ['**/*.ts'] }))
  return pagesOf(root).flatMap((page) => {
    const name = page.replaceAll(/[/\\]/g, '-').replace(/\.md$/, '')
    return samplesOf(page, readFileSync(join(root, page), 'utf8'), join(folder, name))
  })
}
