import { shout } from './shout.js'

export const greet = (name) => shout(`hello ${name}`)

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
