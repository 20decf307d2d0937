// What the storm runs in threads. Each task counts its start in shared memory before anything else, and stamps its start
// and its end with the time of one clock: see journal.ts.
const begin = (memory, id) => {
  const cells = new Int32Array(memory)
  const now = () => Atomics.add(cells, cells.length - 1, 1) + 1
  Atomics.add(cells, id * 3, 1)
  Atomics.store(cells, id * 3 + 1, now())
  return (outcome) => {
    Atomics.store(cells, id * 3 + 2, now())
    return outcome
  }
}
const never = () => new Promise(() => {})

export const init = () => undefined
export const ok = (memory, id) => begin(memory, id)(id)

export const later = async (memory, id) => {
  const end = begin(memory, id)
  await new Promise((resolve) => setTimeout(resolve, id % 3))
  return end(id)
}

export const text = (memory, id) => begin(memory, id)(`text ${id}`)

export const fail = (memory, id) => {
  begin(memory, id)()
  throw new RangeError(`expected ${id}`)
}

export const failWithNull = (memory, id) => {
  begin(memory, id)()
  throw null
}

export const exit = (memory, id, code) => {
  begin(memory, id)
  process.exit(code)
}

export const spin = (memory, id) => {
  begin(memory, id)
  for (;;);
}

export const busy = (memory, id, ms) => {
  const end = begin(memory, id)
  for (const over = performance.now() + ms; performance.now() < over; );
  return end(id)
}

export const returnFunction = (memory, id) => begin(memory, id)({ id, callback: () => id })

export const eatMemory = (memory, id) => {
  begin(memory, id)
  for (const hoard = []; ; ) hoard.push(new Array(100_000).fill(Math.random()))
}

export const throwOutside = (memory, id) => {
  begin(memory, id)
  setImmediate(() => {
    throw new RangeError(`outside ${id}`)
  })
  return never()
}

export const leaveThrow = (memory, id) => {
  setImmediate(() => {
    throw new RangeError(`left behind ${id}`)
  })
  return begin(memory, id)(id)
}

export const leaveRejection = (memory, id) => {
  void Promise.reject(new RangeError(`left behind ${id}`))
  return begin(memory, id)(id)
}
