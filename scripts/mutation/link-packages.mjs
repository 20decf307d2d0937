// Runs in Stryker's copy of the repository: gives it the node_modules of the repository, which are folders of links. Those
// to packages of the workspace are relative, so they lead to the copies.
import { cpSync, existsSync, readdirSync, symlinkSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'

const repository = resolve('../..')
const folders = ['packages', 'apps'].flatMap((parent) => readdirSync(parent).map((name) => join(parent, name)))

for (const folder of ['.', 'benchmarks', ...folders]) {
  const from = join(repository, folder, 'node_modules')
  if (!existsSync(from)) continue
  const filter = (path) => !['.pnpm', '.vite', '.cache'].includes(basename(path))
  cpSync(from, join(folder, 'node_modules'), { recursive: true, verbatimSymlinks: true, filter })
}
symlinkSync(join(repository, 'node_modules/.pnpm'), 'node_modules/.pnpm', 'junction')
