import type { BoundTask } from '../task.ts'

/** An exported function that was asked for at least once. */
export interface Target {
  readonly index: number
  readonly module: string
  readonly export: string
  /** How long it runs, in milliseconds: recent runs count more. Undefined before its first end. */
  runMs: number | undefined
}

/** How much the newest run counts. */
const weight = 0.2

/** The exported functions an executor has run, numbered, with how long each takes. */
export class RunTimes {
  readonly #modules = new Map<string, Map<string, Target>>()
  #count = 0

  targetOf(task: BoundTask): Target {
    let exports = this.#modules.get(task.module)
    if (exports === undefined) this.#modules.set(task.module, (exports = new Map()))
    let target = exports.get(task.export)
    if (target === undefined) {
      target = { index: this.#count++, module: task.module, export: task.export, runMs: undefined }
      exports.set(task.export, target)
    }
    return target
  }

  estimate(task: BoundTask): number | undefined {
    return this.#modules.get(task.module)?.get(task.export)?.runMs
  }

  record(target: Target, runMs: number): void {
    target.runMs = target.runMs === undefined ? runMs : target.runMs + weight * (runMs - target.runMs)
  }
}
