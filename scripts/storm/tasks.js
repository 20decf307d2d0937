// What the storm runs in threads. Each counts its start in shared memory before anything else.
const started = (counts, id) => Atomics.add(new Int32Array(counts), id, 1)

export const ok = (counts, id) => {
  started(counts, id)
  return id
}

export const later = async (counts, id) => {
  started(counts, id)
  await new Promise((resolve) => setTimeout(resolve, id % 3))
  return id
}

export const fail = (counts, id) => {
  started(counts, id)
  throw new RangeError(`expected ${id}`)
}

export const failWithNull = (counts, id) => {
  started(counts, id)
  throw null
}

export const exit = (counts, id) => {
  started(counts, id)
  process.exit(7)
}

export const spin = (counts, id) => {
  started(counts, id)
  for (;;);
}

export const returnFunction = (counts, id) => {
  started(counts, id)
  return { id, callback: () => id }
}
