// A sequence for each key: orders of one account never overlap, those of different accounts do.
import { inlineExecutor } from '@posttask/backend-inline'
import { KeyedTaskRunner, ThreadPool } from '@posttask/core'

await using pool = new ThreadPool({ executor: inlineExecutor() })
const accounts = new KeyedTaskRunner(pool, { name: 'accounts', maxConcurrency: 8 })

const balances = new Map<string, number>()
const running = new Set<string>()
let overlaps = 0
let most = 0
const book = async (account: string, amount: number): Promise<void> => {
  if (running.has(account)) overlaps++
  running.add(account)
  most = Math.max(most, running.size)
  const balance = balances.get(account) ?? 0
  await new Promise(setImmediate)
  balances.set(account, balance + amount)
  running.delete(account)
}

const orders = Array.from({ length: 60 }, (_, n) => ({ account: `account ${n % 3}`, amount: n }))
await Promise.all(orders.map(({ account, amount }) => accounts.forKey(account).run(() => book(account, amount))))

for (const [account, balance] of balances) console.log(`${account}: ${balance}`)
console.log(`${overlaps} overlaps within an account, ${most > 1 ? 'several accounts' : 'one account'} at a time`)
