// Every entry point that was published, whatever is published: require() gives its exports.
const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')

/** Loads in a run of vitest only. */
const vitestOnly = '@posttask/testing/vitest'

const entries = JSON.parse(readFileSync('entries.json', 'utf8')).filter((entry) => entry !== vitestOnly)
assert.ok(entries.includes('@posttask/core'))
for (const entry of entries) assert.notEqual(Object.keys(require(entry)).length, 0, entry)
console.log('consumer ok')
