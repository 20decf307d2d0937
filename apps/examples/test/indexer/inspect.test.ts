import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join, resolve } from 'node:path'
import * as inspecting from '@posttask/inspector'
import { describe, expect, it, vi } from 'vitest'
import type { Snapshot } from '../../../../packages/inspector/src/snapshot.ts'
import { openEvents } from '../../../../packages/inspector/test/open-events.ts'
import { parseCommand } from '../../src/indexer/arguments.ts'
import { runIndexCommand } from '../../src/indexer/index-command.ts'
import { QuietScreen } from '../../src/indexer/quiet-screen.ts'
import { makeTree, TemporaryFolder } from './make-tree.ts'
import { runIndexer } from './run-indexer.ts'

vi.mock('@posttask/inspector', { spy: true })

describe('--inspect', () => {
  it('serves a live page of both pools and the threads, as long as the run takes', { timeout: 60_000 }, async () => {
    using tree = makeTree()
    using folder = new TemporaryFolder()
    const { startInspector } = await vi.importActual<typeof inspecting>('@posttask/inspector')
    const samples: Snapshot[] = []
    const errors = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    let url = ''
    vi.mocked(inspecting.startInspector).mockImplementation(async (pools, options) => {
      const inspector = await startInspector(pools, options)
      url = inspector.url
      // Before the run goes on.
      using events = await openEvents(url)
      samples.push(await events.until(() => true))
      return inspector
    })
    const options = ['--backend', 'piscina', '--jobs', '1', '--db', join(folder.path, 'index.sqlite'), '--inspect']
    const command = parseCommand([...options, tree.path])
    if (command.command !== 'index') throw new Error(command.command)
    expect(await runIndexCommand(command, new QuietScreen(process.stderr))).toBe(0)
    expect(errors.mock.calls).toEqual([[`inspector: ${url}\n`]])
    errors.mockRestore()
    const [{ pools, executors } = { pools: [], executors: [] }] = samples
    expect(pools.map(({ name, runners }) => [name, ...runners.map((runner) => runner.name)])).toEqual([
      ['main', 'disk', 'survey', 'ui'],
      ['piscina', 'tokens', 'database'],
    ])
    expect(executors.map(({ name, threads }) => [name, threads.length])).toEqual([['piscina', 1]])
    await expect(openEvents(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('prints where, and the program ends as it does without', { timeout: 60_000 }, async () => {
    using tree = makeTree()
    using folder = new TemporaryFolder()
    const options = ['--backend', 'inline', '--db', join(folder.path, 'index.sqlite'), '--quiet', '--inspect']
    const { code, stdout, stderr } = await runIndexer(...options, tree.path)
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toMatch(/^inspector: http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]+\n$/)
  })

  it('tells of a port that is taken', { timeout: 60_000 }, async () => {
    using tree = makeTree()
    using folder = new TemporaryFolder()
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const options = ['--backend', 'inline', '--db', join(folder.path, 'index.sqlite'), '--inspect', String(port)]
    const { code, stderr } = await runIndexer(...options, tree.path)
    server.close()
    expect([code, stderr]).toEqual([1, `error: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`])
  })

  it('may have a port behind it', () => {
    const portAndDirectory = (...args: string[]) => {
      const command = parseCommand(args)
      return command.command === 'index' ? [command.inspect, command.directory] : command.command
    }
    expect(portAndDirectory('src')).toEqual([undefined, resolve('src')])
    expect(portAndDirectory('--inspect')).toEqual([0, undefined])
    expect(portAndDirectory('--inspect', 'src')).toEqual([0, resolve('src')])
    expect(portAndDirectory('--inspect', '9000', 'src')).toEqual([9000, resolve('src')])
    expect(portAndDirectory('src', '--inspect=9000')).toEqual([9000, resolve('src')])
    expect(portAndDirectory('--inspect', '--quiet', '9000')).toEqual([0, resolve('9000')])
    expect(() => parseCommand(['--inspect', '65536'])).toThrow('--inspect takes a port')
    expect(() => parseCommand(['--inspect=x'])).toThrow('--inspect takes a port')
    expect(() => parseCommand(['search', 'word', '--inspect'])).toThrow('--inspect means nothing to search')
  })
})
