// The projects that use what was published. Each group is one folder outside of the workspace with one installation.

/** The compilers that users have. Each is called by its path: they all claim the name `tsc`. */
const compilers = { 5.2: '5.2.2', 5.7: '5.7.3', 5.9: '5.9.3', '6.0': '6.0.3', '7.0': '7.0.2' }
const alias = (version) => `typescript-${version}`

const withRequire = ['node', '--disable-warning=ExperimentalWarning']

/** Compiles the project in `folder` strictly, then what needs `skipLibCheck`, and runs what came out. */
const compile = (version, folder, name, settings) => {
  const out = `${folder}/out-${version}-${name}`
  const tsc = (project, ...more) => [
    ...['node', `node_modules/${alias(version)}/bin/tsc`, '-p', `${folder}/${project}`],
    ...[...settings, ...more],
  ]
  return {
    name: `TypeScript ${version}, ${folder === '.' ? 'ES modules' : 'CommonJS'}, ${name}`,
    steps: [
      ['node', 'write-entries.mjs'],
      tsc('tsconfig.bindings.json'),
      tsc('tsconfig.json', '--outDir', out),
      [...withRequire, `${out}/main.js`],
    ],
  }
}

const compiledAsModules = ['5.2', '5.9', '6.0', '7.0'].flatMap((version) => [
  compile(version, '.', 'nodenext', ['--module', 'nodenext']),
  compile(version, '.', 'bundler', ['--module', 'esnext', '--moduleResolution', 'bundler']),
])

/** Before 5.8 no compiler lets CommonJS import an ES module, with `node16` none does. `commonjs` knows `exports` from 6.0 on. */
const compiledAsCommonJS = Object.entries({
  commonjs: ['5.2', '5.9', '6.0', '7.0'],
  node16: ['5.9'],
  nodenext: ['5.2', '5.7', '7.0'],
}).flatMap(([module, versions]) => versions.map((version) => compile(version, 'commonjs', module, ['--module', module])))

const esbuild = [
  ...['node_modules/.bin/esbuild', '--bundle', '--platform=node', '--target=node20'],
  ...['--external:@posttask/backend-*', '--log-level=warning'],
]

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
      'vitest@4',
      ...Object.entries(compilers).map(([version, exact]) => `${alias(version)}@npm:typescript@${exact}`),
    ],
    consumers: [...compiledAsModules, ...compiledAsCommonJS],
  },
  {
    folder: 'jest',
    tools: ['@types/node', 'typescript'],
    packages: [...ours, 'jest@30', '@jest/globals@30', '@types/jest@30'],
    consumers: [
      {
        name: 'a jest project, ES modules',
        steps: [
          ['node', 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.globals.json'],
          ['node', 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'],
          ['node', '--experimental-vm-modules', 'node_modules/jest/bin/jest.js'],
        ],
      },
    ],
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
          [...esbuild, 'main.js', 'tasks.js', '--minify', '--format=esm', '--outdir=out-esbuild'],
          ['node', 'out-esbuild/main.js'],
        ],
      },
      {
        name: 'esbuild, as CommonJS, with a worker module',
        steps: [
          [...esbuild, 'main.cjs', 'tasks.js', '--format=cjs', '--outdir=out-cjs', '--out-extension:.js=.cjs'],
          [...withRequire, 'out-cjs/main.cjs'],
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
