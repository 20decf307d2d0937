import type { Operation } from './history.ts'
import type { Model } from './models.ts'

/** Whether every call can have happened at one instant between its call and its return. */
export type Linearizability =
  | { readonly ok: true }
  | {
      readonly ok: false
      /** The longest order of calls that the model explains. */
      readonly longestPrefix: readonly Operation[]
      /** The calls that could come next and do not fit. */
      readonly stuckOn: readonly Operation[]
      readonly message: string
    }

const same = (a: unknown, b: unknown): boolean => Object.is(a, b) || JSON.stringify(a) === JSON.stringify(b)

/**
 * Searches for an order of the calls that a sequential `model` explains (Wing and Gong, 1993, with Lowe's memory of
 * states that failed). A call that did not return, or failed, may have happened or not.
 */
export const checkLinearizable = <State>(history: readonly Operation[], model: Model<State>): Linearizability => {
  const parts = new Map<string, Operation[]>()
  for (const operation of history) {
    const key = model.partition?.(operation.method, operation.args) ?? ''
    const part = parts.get(key)
    if (part === undefined) parts.set(key, [operation])
    else part.push(operation)
  }
  for (const part of parts.values()) {
    const outcome = checkPart(part, model)
    if (!outcome.ok) return outcome
  }
  return { ok: true }
}

const checkPart = <State>(part: readonly Operation[], model: Model<State>): Linearizability => {
  const operations = part.toSorted((a, b) => a.called - b.called)
  const isOpen = (index: number): boolean => (operations[index] as Operation).returned === Number.POSITIVE_INFINITY
  const failedStates = new Set<string>()
  let longest: readonly number[] = []
  const search = (done: bigint, state: State, order: readonly number[]): boolean => {
    if (order.length > longest.length) longest = order
    const left = operations.map((_, index) => index).filter((index) => (done & (1n << BigInt(index))) === 0n)
    if (left.every(isOpen)) return true
    const memory = `${done}:${JSON.stringify(state)}`
    if (failedStates.has(memory)) return false
    // What was called after another call had returned cannot come before it.
    const earliestReturn = Math.min(...left.map((index) => (operations[index] as Operation).returned))
    for (const index of left) {
      const operation = operations[index] as Operation
      if (operation.called > earliestReturn) break
      const step = model.apply(state, operation.method, operation.args)
      const fits = isOpen(index) || same(step.result, operation.result)
      if (fits && search(done | (1n << BigInt(index)), step.state, [...order, index])) return true
    }
    failedStates.add(memory)
    return false
  }
  if (search(0n, model.initial, [])) return { ok: true }
  const longestPrefix = longest.map((index) => operations[index] as Operation)
  const left = operations.filter((operation) => !longestPrefix.includes(operation))
  const earliestReturn = Math.min(...left.map(({ returned }) => returned))
  const stuckOn = left.filter(({ called }) => called <= earliestReturn)
  return { ok: false, longestPrefix, stuckOn, message: `not linearizable: ${operations.map(formatOperation).join('; ')}` }
}

/** `client.method(args)=result [called,returned]`. */
export const formatOperation = ({ client, method, args, result, called, returned }: Operation): string =>
  `${client}.${method}(${args.map((arg) => JSON.stringify(arg)).join(',')})${returned === Number.POSITIVE_INFINITY ? '' : `=${JSON.stringify(result)}`} [${called},${returned}]`
