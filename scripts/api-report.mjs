// What each entry point declares, as a text to review: `packages/<name>/etc/<entry>.api.md`, made from the build. Writes the
// reports; with `--check` it compares, and fails where one is not what the build declares.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { publicPackages } from './rehearsal/target.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const isCheck = process.argv.includes('--check')
const temporary = join(root, 'node_modules/.cache/api-report')

/** The entry points of a package that have types: what they are called, and their declarations. */
const entriesOf = ({ folder, manifest }) =>
  Object.entries(manifest.exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([path, target]) => ({
      folder,
      name: path === '.' ? 'index' : path.slice(2),
      declarations: join(folder, target.require.types),
    }))

const configure = ({ folder, name, declarations }) =>
  ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: declarations,
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'ES2023',
            lib: ['ES2023', 'ESNext.Disposable'],
            module: 'NodeNext',
            types: ['node'],
            strict: true,
            skipLibCheck: true,
          },
          files: [declarations],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: name,
        includeForgottenExports: true,
        reportFolder: join(folder, 'etc'),
        reportTempFolder: join(temporary, relative(root, folder)),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        extractorMessageReporting: {
          default: { logLevel: 'error' },
          'ae-missing-release-tag': { logLevel: 'none' },
          'ae-undocumented': { logLevel: 'none' },
          'ae-unresolved-link': { logLevel: 'none' },
          // A report has what is not exported but named as well.
          'ae-forgotten-export': { logLevel: 'none' },
        },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  })

const entries = publicPackages(root).flatMap(entriesOf)
const unbuilt = entries.find(({ declarations }) => !existsSync(declarations))
if (unbuilt !== undefined) {
  console.error(`${relative(root, unbuilt.declarations)} is not there: build first, \`pnpm build\``)
  process.exit(1)
}

const configs = entries.map(configure)
const compilerState = CompilerState.create(configs[0], { additionalEntryPoints: entries.map(({ declarations }) => declarations) })
const changed = []
let isBroken = false
for (const config of configs) {
  if (!isCheck) mkdirSync(config.reportFolder, { recursive: true })
  const { apiReportChanged, errorCount } = Extractor.invoke(config, {
    compilerState,
    localBuild: !isCheck,
    printApiReportDiff: isCheck,
    messageCallback: (message) => {
      if (message.messageId === 'console-api-report-diff') message.logLevel = 'info'
      else if (message.category === 'console') message.handled = true
    },
  })
  if (errorCount > 0) isBroken = true
  if (apiReportChanged) changed.push(relative(root, config.reportFilePath))
}

const expected = new Set(configs.map(({ reportFilePath }) => reportFilePath))
for (const folder of new Set(configs.map(({ reportFolder }) => reportFolder))) {
  for (const file of existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []) {
    if (!file.endsWith('.api.md') || expected.has(file)) continue
    changed.push(`${relative(root, file)} (of an entry point that is gone)`)
    if (!isCheck) rmSync(file)
  }
}

if (isBroken) console.error('The declarations above cannot be reported.')
if (changed.length === 0) console.log(`${configs.length} API reports are what the build declares`)
else if (isCheck)
  console.error(
    `The public API is not what these reports say:\n${changed.map((report) => `  ${report}`).join('\n')}\n` +
      'If that is meant: `pnpm build && pnpm api`, read the difference, commit it, and add a changeset. If not, undo it.',
  )
else console.log(`Written:\n${changed.map((report) => `  ${report}`).join('\n')}`)
process.exitCode = isBroken || (isCheck && changed.length > 0) ? 1 : 0
