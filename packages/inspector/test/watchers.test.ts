import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import type { Snapshot } from '../src/snapshot.ts'
import { Watchers } from '../src/watchers.ts'

class Page extends EventEmitter {
  writableNeedDrain = false
  readonly written: string[] = []
  writeHead(): this {
    return this
  }
  write(text: string): void {
    this.written.push(text)
  }
}

test('a page that does not keep up misses samples, and no other does', () => {
  const watchers = new Watchers(() => {})
  const [slow, quick] = [new Page(), new Page()]
  for (const page of [slow, quick]) watchers.add(page as unknown as ServerResponse)
  slow.writableNeedDrain = true
  watchers.send({ at: 1 } as Snapshot)
  slow.writableNeedDrain = false
  watchers.send({ at: 2 } as Snapshot)
  expect(quick.written.slice(1)).toEqual(['data: {"at":1}\n\n', 'data: {"at":2}\n\n'])
  expect(slow.written.slice(1)).toEqual(['data: {"at":2}\n\n'])
})
