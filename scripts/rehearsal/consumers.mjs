// The projects that use what was published. Each group is one folder outside of the workspace with one installation.

/** The compilers that users have. Each is called by its path: they all claim the name `tsc`. */
const compilers = { 5.4: '5.4.5', 5.9: '5.9.3', '6.0': '6.0.3', '7.0': '7.0.2' }
const alias = (version) => `typescript-${version}`

const compile = (version, resolution) => {
  const out = `out-${version}-${resolution}`
  const settings = resolution === 'bundler' ? ['--module', 'esnext', '--moduleResolution', 'bundler'] : []
  return {
    name: `TypeScript ${version}, ${resolution}`,
    steps: [
      ['node', 'write-entries.mjs'],
      ['node', `node_modules/${alias(version)}/bin/tsc`, '-p', 'tsconfig.strict.json', ...settings],
      ['node', `node_modules/${alias(version)}/bin/tsc`, '-p', 'tsconfig.json', '--outDir', out, ...settings],
      ['node', `${out}/main.js`],
    ],
  }
}

const withRequire = ['node', '--disable-warning=ExperimentalWarning']

/**
 * The groups that use `ours`, the names of all packages that were published. `tools` are taken at the versions that this
 * repository uses. Of a consumer every step must end with exit code 0, and the last must print `consumer ok`.
 */
export const groups = (ours, chromium) => [
  {
    folder: 'esm',
    tools: [],
    packages: [...ours, 'fast-check@4', 'vitest@4'],
    consumers: [
      { name: 'ES modules', steps: [['node', 'main.mjs']] },
      { name: 'ES modules, every entry point', steps: [['node', 'every-entry.mjs']] },
      { name: 'ES modules, what watches a pool', steps: [['node', 'watching.mjs']] },
      { name: 'a vitest project', steps: [['node', 'node_modules/vitest/vitest.mjs', 'run']] },
    ],
  },
  {
    folder: 'commonjs',
    tools: [],
    packages: [...ours, 'fast-check@4'],
    consumers: [
      { name: 'CommonJS, require(esm)', steps: [[...withRequire, 'main.cjs']] },
      { name: 'CommonJS, every entry point', steps: [[...withRequire, 'every-entry.cjs']] },
    ],
  },
  {
    folder: 'types',
    tools: ['@types/node'],
    packages: [
      ...ours,
      'fast-check@4',
      ...Object.entries(compilers).map(([version, exact]) => `${alias(version)}@npm:typescript@${exact}`),
    ],
    consumers: Object.keys(compilers).flatMap((version) => [compile(version, 'nodenext'), compile(version, 'bundler')]),
  },
  {
    folder: 'bundles',
    tools: ['vite', 'esbuild'],
    packages: ours,
    consumers: [
      {
        name: 'Vite, for Node, with a worker module',
        steps: [
          ['node', 'node_modules/vite/bin/vite.js', 'build'],
          ['node', 'out-vite/main.js'],
        ],
      },
      {
        name: 'esbuild, for Node, with a worker module',
        steps: [
          [
            ...['node_modules/.bin/esbuild', 'main.js', 'tasks.js', '--bundle', '--minify', '--format=esm'],
            ...['--platform=node', '--external:@posttask/backend-*', '--outdir=out-esbuild', '--log-level=warning'],
          ],
          ['node', 'out-esbuild/main.js'],
        ],
      },
    ],
  },
  {
    folder: 'browser',
    tools: ['vite', 'playwright-core'],
    packages: ['@posttask/core', '@posttask/backend-inline', '@posttask/diagnostics', '@posttask/inspector', '@posttask/testing'],
    consumers: [
      { name: 'a page, unbundled', steps: [['node', 'open-page.mjs', 'index.html', chromium]] },
      {
        name: 'a page, bundled by Vite',
        steps: [
          ['node', 'node_modules/vite/bin/vite.js', 'build'],
          ['node', 'open-page.mjs', 'out/vite.html', chromium],
        ],
      },
      { name: 'the inspector', steps: [['node', 'inspector.mjs', chromium]] },
      { name: 'the page of a trace', steps: [['node', 'trace-page.mjs', chromium]] },
    ],
  },
]
