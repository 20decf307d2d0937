// A worker module. Nothing to register; what it wants to know of its task it asks for.
import { taskContext } from '@posttask/core/worker'

const isPrime = (n: number): boolean => {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false
  return n > 1
}

export const countPrimes = ({ from, to }: { from: number; to: number }): number => {
  let count = 0
  for (let n = from; n < to; n++) if (isPrime(n)) count++
  return count
}

/** Counts without end, until its task is cancelled. */
export const countForEver = (): never => {
  const task = taskContext()
  for (let n = 0; ; n++) {
    if (isPrime(n) && n > 1000 && n < 1010) task.progress(n)
    task.throwIfAborted()
  }
}

export const isOnMainThread = (): boolean => taskContext().threadId === 0
