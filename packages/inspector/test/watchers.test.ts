import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import type { Snapshot } from '../src/snapshot.ts'
import { Watchers } from '../src/watchers.ts'

class Page extends EventEmitter {
  writableNeedDrain = false
  readonly written: string[] = []
  readonly req: { readonly socket: Connection }

  constructor(socket = new Connection()) {
    super()
    this.req = { socket }
  }

  writeHead(): this {
    return this
  }

  write(text: string): void {
    this.written.push(text)
  }
}

class Connection extends EventEmitter {
  isDestroyed = false

  destroy(): void {
    this.isDestroyed = true
    this.emit('close')
  }
}

const add = (watchers: Watchers, page: Page): boolean => watchers.add(page as unknown as ServerResponse)

test('a page that does not keep up misses samples, and no other does', () => {
  const watchers = new Watchers(() => {})
  const [slow, quick] = [new Page(), new Page()]
  for (const page of [slow, quick]) add(watchers, page)
  slow.writableNeedDrain = true
  watchers.send({ at: 1 } as Snapshot)
  slow.writableNeedDrain = false
  watchers.send({ at: 2 } as Snapshot)
  expect(quick.written.slice(1)).toEqual(['data: {"at":1}\n\n', 'data: {"at":2}\n\n'])
  expect(slow.written.slice(1)).toEqual(['data: {"at":2}\n\n'])
})

test('a page that misses twenty samples in a row is given up', () => {
  const changes: boolean[] = []
  const watchers = new Watchers((isWatched) => changes.push(isWatched))
  const page = new Page()
  add(watchers, page)
  const miss = (times: number): void => {
    page.writableNeedDrain = true
    for (let at = 0; at < times; at++) watchers.send({ at } as Snapshot)
    page.writableNeedDrain = false
  }
  miss(19)
  watchers.send({ at: 19 } as Snapshot)
  miss(19)
  expect([page.req.socket.isDestroyed, changes]).toEqual([false, [true]])
  miss(20)
  expect([page.req.socket.isDestroyed, changes]).toEqual([true, [true, false]])
})

test('a page goes with its connection, which has one stream, whatever was asked for on it', () => {
  const changes: boolean[] = []
  const watchers = new Watchers((isWatched) => changes.push(isWatched))
  const socket = new Connection()
  expect([1, 2, 3].map(() => add(watchers, new Page(socket)))).toEqual([true, false, false])
  socket.destroy()
  expect(changes).toEqual([true, false])
  expect(socket.listenerCount('close')).toBe(0)
})
