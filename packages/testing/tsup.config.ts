import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'conformance/index': 'src/conformance/index.ts',
    // Loaded by their address, in worker threads too.
    'conformance/tasks': 'src/conformance/tasks.ts',
    'conformance/context-tasks': 'src/conformance/context-tasks.ts',
    vitest: 'src/vitest.ts',
    'node-test': 'src/node-test.ts',
    jest: 'src/jest.ts',
    'fast-check': 'src/fast-check.ts',
  },
  format: ['esm'],
  target: 'node20.19',
  sourcemap: true,
  clean: true,
  dts: false,
  // Entries share their modules, and with them module state.
  splitting: true,
})
