import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'node/index': 'src/node/index.ts',
    'worker/index': 'src/worker/index.ts',
  },
  format: ['esm'],
  target: 'node20.19',
  sourcemap: true,
  clean: true,
  dts: false,
  // Entries share their modules, and with them module state.
  splitting: true,
})
