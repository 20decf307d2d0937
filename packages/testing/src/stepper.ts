import { onNextTurn } from './host.ts'

const block = 64

let current: (() => void) | undefined
let queued = 0

const onTurn = (): void => {
  queued--
  const step = current
  if (step === undefined) return
  step()
  if (queued === 0 && current !== undefined) queueBlock()
}

const queueBlock = (): void => {
  for (; queued < block; queued++) onNextTurn(onTurn)
}

/**
 * Calls `step` again and again, each call after every microtask and every `nextTick` of the one before, until
 * `stopSteps`. Turns are queued in blocks: a turn of a block costs a tenth of a turn of its own.
 */
export const startSteps = (step: () => void): void => {
  current = step
  if (queued === 0) queueBlock()
}

export const stopSteps = (): void => {
  current = undefined
}
