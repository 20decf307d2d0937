import { transfer } from '@posttask/core/worker'

// What the storm runs in threads. Each task counts its start in shared memory before anything else, and stamps its start
// and its end with the time of one clock: see journal.ts.
const begin = (memory, id) => {
  const cells = new Int32Array(memory)
  const now = () => Atomics.add(cells, cells.length - 1, 1) + 1
  Atomics.add(cells, id * 3, 1)
  Atomics.store(cells, id * 3 + 1, now())
  return () => void Atomics.store(cells, id * 3 + 2, now())
}
const never = () => new Promise(() => {})

let moved = new ArrayBuffer(0)

/** Fails where what it moved the last time is still here. */
export const move = (memory, id, buffer) => {
  const end = begin(memory, id)
  if (moved.byteLength > 0) throw new Error(`the buffer of the task before ${id} was copied, not moved`)
  const bytes = new Uint8Array(buffer)
  for (const index of bytes.keys()) bytes[index]++
  moved = buffer
  end()
  return transfer(buffer, [buffer])
}

export const init = () => undefined

export const later = async (memory, id) => {
  const end = begin(memory, id)
  await new Promise((resolve) => setTimeout(resolve, id % 3))
  end()
  return id
}

const endless = {
  exit: (_id, code) => process.exit(code),
  spin: () => {
    for (;;);
  },
  eatMemory: () => {
    for (const hoard = []; ; ) hoard.push(new Array(100_000).fill(Math.random()))
  },
  throwOutside: (id) => {
    setImmediate(() => {
      throw new RangeError(`outside ${id}`)
    })
    return never()
  },
}

const quick = {
  ok: (id) => id,
  text: (id) => `text ${id}`,
  fail: (id) => {
    throw new RangeError(`expected ${id}`)
  },
  failWithNull: () => {
    throw null
  },
  busy: (id, ms) => {
    for (const over = performance.now() + ms; performance.now() < over; );
    return id
  },
  returnFunction: (id) => ({ id, callback: () => id }),
  leaveThrow: (id) => {
    setImmediate(() => {
      throw new RangeError(`left behind ${id}`)
    })
    return id
  },
  leaveRejection: (id) => {
    void Promise.reject(new RangeError(`left behind ${id}`))
    return id
  },
}

/** One function for all of them: known as a quick one, so that those which end their thread travel with others. */
export const act = (memory, id, deed, extra) => {
  const end = begin(memory, id)
  if (deed in endless) return endless[deed](id, extra)
  try {
    return quick[deed](id, extra)
  } finally {
    end()
  }
}
