// A worker module: an ordinary module that keeps state, as a blocking database driver does.
import { threadId } from 'node:worker_threads'

let values: Map<string, string> | undefined

export const open = (): void => {
  values = new Map()
}

export const put = (key: string, value: string): number => {
  if (values === undefined) throw new Error('the store is not open')
  return values.set(key, value).size
}

export const get = (key: string): string | undefined => values?.get(key)

export const where = (): number => threadId
