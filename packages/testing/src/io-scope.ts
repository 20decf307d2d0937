import { builtinModule } from './host.ts'

interface Storage<T> {
  getStore(): T | undefined
  run<R>(store: T | undefined, body: () => R): R
}

interface AsyncHooks {
  readonly AsyncLocalStorage: new <T>() => Storage<T>
  createHook(hooks: object): { enable(): void; disable(): void }
}

interface NativeRequest {
  hasRef?(): boolean
  readonly _repeat?: unknown
}

const hooks = builtinModule<AsyncHooks>('node:async_hooks')
const scopes = hooks && new hooks.AsyncLocalStorage<IoScope>()
const owners = new Map<number, IoScope>()
let open = 0

const isOneShot = (type: string, resource: NativeRequest): boolean =>
  type === 'Immediate' || (type === 'Timeout' ? (resource._repeat ?? null) === null : /REQ|JOB|PROCESSWRAP/.test(type))

const forget = (id: number): void => {
  owners.get(id)?.requests.delete(id)
  owners.delete(id)
}

const hook = hooks?.createHook({
  init(id: number, type: string, _trigger: number, resource: NativeRequest) {
    const scope = scopes?.getStore()
    if (scope === undefined || !isOneShot(type, resource)) return
    scope.requests.set(id, { type, resource })
    owners.set(id, scope)
  },
  before: forget,
  destroy: forget,
  // Newer versions then leave the promise hooks off, which cost the most.
  trackPromises: false,
})

/**
 * Sees the one-shot native requests that code inside of `run` starts: files, name lookups, crypto, child processes,
 * real timers and immediates. It cannot see data that arrives on a socket or a message port that is already open.
 * Node only; elsewhere it sees nothing.
 */
export class IoScope implements Disposable {
  readonly requests: Map<number, { readonly type: string; readonly resource: NativeRequest }> = new Map()
  readonly #tracks: boolean
  #isOpen = true

  constructor(tracks: boolean) {
    this.#tracks = tracks && hook !== undefined
    if (this.#tracks && open++ === 0) hook?.enable()
  }

  /** Runs code of the test or of a task. */
  run<R>(body: () => R): R {
    return this.#tracks && scopes !== undefined ? scopes.run(this, body) : body()
  }

  /** Runs code of the environment itself, which must not wait for its own timers. */
  static outside<R>(body: () => R): R {
    return scopes === undefined ? body() : scopes.run(undefined, body)
  }

  /** What is under way. A timer that does not keep the process alive does not count. */
  pending(): readonly string[] {
    const types: string[] = []
    for (const { type, resource } of this.requests.values()) if (resource.hasRef?.() !== false) types.push(type)
    return types
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    for (const id of this.requests.keys()) owners.delete(id)
    this.requests.clear()
    if (this.#tracks && --open === 0) hook?.disable()
  }
}
