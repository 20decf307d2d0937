import { defineConfig } from 'vite'

// A task module stays a file of its own: inlined it would be loaded from a data: address.
export default defineConfig({
  logLevel: 'warn',
  base: './',
  build: { outDir: 'out', assetsInlineLimit: 0, rollupOptions: { input: 'vite.html' } },
})
