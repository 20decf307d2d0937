import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts', worker: 'src/worker.ts', load: 'src/load.cjs' },
  loader: { '.cjs': 'copy' },
  format: ['esm'],
  target: 'node20.19',
  sourcemap: true,
  clean: true,
  dts: false,
  // Entries share their modules, and with them module state.
  splitting: true,
})
