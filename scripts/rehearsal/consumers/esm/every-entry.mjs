// Every entry point that was published, whatever is published: it loads, and it exports something.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

/** Loads in a run of vitest only: see binding.test.mjs. */
const vitestOnly = '@posttask/testing/vitest'

const entries = JSON.parse(readFileSync('entries.json', 'utf8')).filter((entry) => entry !== vitestOnly)
assert.ok(entries.includes('@posttask/core'))
for (const entry of entries) assert.notEqual(Object.keys(await import(entry)).length, 0, entry)
console.log('consumer ok')
