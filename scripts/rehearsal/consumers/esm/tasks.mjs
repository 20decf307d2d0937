import { taskContext } from '@posttask/core/worker'

let calls = 0

export const double = (value) => value * 2

export const countCalls = () => ++calls

export const fail = (what) => {
  throw new RangeError(what, { cause: new Error('the reason') })
}

export const report = (steps) => {
  for (let step = 1; step <= steps; step++) taskContext().progress(step)
  return steps
}

export const spin = () => {
  for (;;);
}

export class Counter {
  #count

  constructor(start) {
    this.#count = start
  }

  add(amount) {
    this.#count += amount
    return this.#count
  }
}
