// An object that lives on a sequence: its methods are called there, in order, and it is disposed of there.
import { inlineExecutor } from '@posttask/backend-inline'
import { SequenceBound, SequencedTaskRunner, ThreadPool } from '@posttask/core'

class Account implements AsyncDisposable {
  readonly #owner: string
  #balance: number

  constructor(owner: string, balance: number) {
    this.#owner = owner
    this.#balance = balance
  }

  async withdraw(amount: number): Promise<number> {
    const balance = this.#balance
    // Another withdrawal would slip in here, were this not a task of a sequence.
    await new Promise(setImmediate)
    if (balance < amount) throw new RangeError(`${this.#owner} has only ${balance}`)
    this.#balance = balance - amount
    return this.#balance
  }

  async [Symbol.asyncDispose](): Promise<void> {
    console.log(`the account of ${this.#owner} is closed with ${this.#balance}`)
  }
}

await using pool = new ThreadPool({ executor: inlineExecutor() })
const runner = new SequencedTaskRunner(pool, { name: 'accounts' })

{
  await using account = SequenceBound.create(runner, Account, 'Ann', 100)
  const withdrawals = [30, 50, 40].map((amount) => account.call.withdraw(amount))
  for (const outcome of await Promise.allSettled(withdrawals)) {
    console.log(outcome.status === 'fulfilled' ? `left: ${outcome.value}` : `refused: ${outcome.reason.message}`)
  }
}
console.log('the program goes on')
