/** What a step touches: a key, read or written. Steps on different keys, and two reads, may change places. */
export type Access = readonly [key: string, mode: 'r' | 'w']

/** A candidate, as far as a reduction needs it. */
export interface ReducibleStep {
  /** The same for the same step in every schedule that shares what came before. */
  readonly id: string
  /** Undefined where it touches nothing that is shared. */
  readonly access: Access | undefined
}

interface Node {
  readonly steps: readonly ReducibleStep[]
  /** Steps that were tried in an equivalent schedule. */
  readonly sleeping: ReadonlyMap<string, Access | undefined>
  readonly tried: Set<number>
  chosen: number
}

const areDependent = (a: Access | undefined, b: Access | undefined): boolean =>
  a !== undefined && b !== undefined && a[0] === b[0] && (a[1] === 'w' || b[1] === 'w')

/**
 * Depth-first search that skips schedules which only swap independent steps of one that was tried (sleep sets;
 * Godefroid, 1996). Sound only if code between two points touches shared state through labelled services alone.
 */
export class SleepSets {
  readonly #nodes: Node[] = []
  #depth = 0

  /** Gives the index of the step to take, or -1 where every continuation was tried in an equivalent schedule. */
  choose(steps: readonly ReducibleStep[]): number {
    const known = this.#nodes[this.#depth]
    if (known !== undefined) {
      this.#depth++
      return known.chosen
    }
    const node: Node = { steps, sleeping: this.#sleepingAt(), tried: new Set(), chosen: -1 }
    node.chosen = nextOf(node)
    if (node.chosen === -1) return -1
    this.#nodes.push(node)
    this.#depth++
    return node.chosen
  }

  /** Prepares the next schedule. False when all were tried. */
  advance(): boolean {
    this.#depth = 0
    for (let node = this.#nodes.at(-1); node !== undefined; node = this.#nodes.at(-1)) {
      node.tried.add(node.chosen)
      node.chosen = nextOf(node)
      if (node.chosen !== -1) return true
      this.#nodes.pop()
    }
    return false
  }

  /** What sleeps after the last choice: what slept before it or was tried beside it, and does not depend on it. */
  #sleepingAt(): ReadonlyMap<string, Access | undefined> {
    const parent = this.#nodes[this.#depth - 1]
    const sleeping = new Map<string, Access | undefined>()
    if (parent === undefined) return sleeping
    const chosen = parent.steps[parent.chosen] as ReducibleStep
    for (const [id, access] of parent.sleeping) if (!areDependent(access, chosen.access)) sleeping.set(id, access)
    for (const index of parent.tried) {
      const { id, access } = parent.steps[index] as ReducibleStep
      if (!areDependent(access, chosen.access)) sleeping.set(id, access)
    }
    return sleeping
  }
}

const nextOf = ({ steps, sleeping, tried }: Node): number =>
  steps.findIndex(({ id }, index) => !tried.has(index) && !sleeping.has(id))
