import { ParallelTaskRunner, SequencedTaskRunner } from '@posttask/core'
import { type Race, request } from './race.ts'

/** A plain promise lock, as many programs have one. */
class Lock {
  #tail: Promise<void> = Promise.resolve()

  async acquire(): Promise<() => void> {
    let release = (): void => {}
    const before = this.#tail
    this.#tail = new Promise((resolve) => {
      release = resolve
    })
    await before
    return release
  }
}

/** Two transfers take the same two locks in different order. The fix needs no lock at all: transfers are a sequence. */
export const deadlock: Race = {
  title: 'AB-BA deadlock',

  async broken(env) {
    const accounts = { a: new Lock(), b: new Lock() }
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 2, name: 'transfers' })
    const transfer = async (from: Lock, to: Lock): Promise<void> => {
      const releaseFrom = await from.acquire()
      await env.point('read the balance')
      const releaseTo = await to.acquire()
      releaseTo()
      releaseFrom()
    }
    await Promise.all([
      request(env, runner, 'a to b', () => transfer(accounts.a, accounts.b)),
      request(env, runner, 'b to a', () => transfer(accounts.b, accounts.a)),
    ])
  },

  async fixed(env) {
    const runner = new SequencedTaskRunner(env.pool, { name: 'transfers' })
    const transfer = (): Promise<void> => env.point('read the balance')
    await Promise.all([request(env, runner, 'a to b', transfer), request(env, runner, 'b to a', transfer)])
  },
}
