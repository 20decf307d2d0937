import { syncBuiltinESMExports } from 'node:module'
import workerThreads, { type MessagePort, type Worker } from 'node:worker_threads'

/** Watches from now on which threads are started and which channels are made, by whomever in this process. */
export class Leftovers {
  /** Threads started so far. */
  started = 0
  readonly #threads = new Set<Worker>()
  #openPorts = 0

  constructor() {
    process.on('worker', (thread) => {
      this.started++
      this.#threads.add(thread)
      thread.on('exit', () => this.#threads.delete(thread))
    })
    const { MessageChannel } = workerThreads
    const watch = (port: MessagePort): void => {
      this.#openPorts++
      // It fires too for a port whose other end went down with its thread.
      port.once('close', () => this.#openPorts--)
    }
    workerThreads.MessageChannel = class extends MessageChannel {
      constructor() {
        super()
        watch(this.port1)
      }
    }
    syncBuiltinESMExports()
  }

  /** Threads that did not end, ports that are open, and what keeps the event loop alive. */
  found(): string[] {
    const found: string[] = []
    if (this.#threads.size > 0) found.push(`${this.#threads.size} of ${this.started} threads did not end`)
    if (this.#openPorts > 0) found.push(`${this.#openPorts} message ports are open`)
    const handles = process.getActiveResourcesInfo().filter((kind) => !/^(?:Pipe|TTY|File|CloseReq|FS)/.test(kind))
    if (handles.length > 0) found.push(`still active: ${handles.join(', ')}`)
    return found
  }
}
