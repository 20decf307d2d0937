import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Sample } from './benchmark.ts'
import type { Request } from './child.ts'

interface Reply {
  readonly ready?: true
  readonly sample?: Sample
  readonly error?: string
}

/** A child process that measures one contender. Plain Node, built packages: no loader and no source condition. */
export class ContenderProcess {
  readonly #child: ChildProcess

  constructor(benchmarkName: string, contenderName: string, nodeFlags: readonly string[] = []) {
    const script = fileURLToPath(new URL('./child.js', import.meta.url))
    this.#child = fork(script, [benchmarkName, contenderName], {
      execArgv: ['--expose-gc', ...nodeFlags],
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
  }

  /** Resolves when the modules are loaded. */
  async ready(): Promise<void> {
    await this.#reply()
  }

  async measure(request: Request): Promise<Sample> {
    this.#child.send(request)
    const { sample, error } = await this.#reply()
    if (sample === undefined) throw new Error(error ?? 'no sample')
    return sample
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
  }

  async #reply(): Promise<Reply> {
    const silence = new AbortController()
    try {
      return await Promise.race([
        once(this.#child, 'message', silence).then(([reply]) => reply as Reply),
        once(this.#child, 'exit', silence).then(([code, signal]): never => {
          throw new Error(`the process ended early (${code ?? signal})`)
        }),
      ])
    } finally {
      silence.abort()
    }
  }
}
