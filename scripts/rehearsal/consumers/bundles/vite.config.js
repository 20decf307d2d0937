import { defineConfig } from 'vite'

export default defineConfig({
  logLevel: 'warn',
  ssr: { noExternal: ['@posttask/core'] },
  build: {
    ssr: true,
    target: 'node20.19',
    outDir: 'out-vite',
    rollupOptions: { input: { main: 'main.js', tasks: 'tasks.js' }, output: { entryFileNames: '[name].js' } },
  },
})
