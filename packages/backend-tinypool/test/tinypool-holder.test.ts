import { expect, test } from 'vitest'
import { TinypoolHolder } from '../src/tinypool-holder.ts'

test('F5 a thread that runs out of memory while it is being ended harms nobody', async () => {
  const holder = new TinypoolHolder({})
  const { thread } = holder
  const ended = holder.destroy()
  const error = new Error('out of memory')
  thread?.emit('error', error)
  await expect(ended).rejects.toBe(error)
})
