/** Heap in use, in bytes, after everything that is garbage was collected. */
export const heapAfterCollection = (): number => {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('measuring the heap needs --expose-gc')
  gc()
  gc()
  return process.memoryUsage().heapUsed
}

/** Heap in bytes per item that `fill` leaves behind. What it returns is held until the measurement is over. */
export const heapPer = (n: number, fill: () => unknown): number => {
  const before = heapAfterCollection()
  const keep = [fill()]
  const after = heapAfterCollection()
  keep.length = 0
  return (after - before) / n
}

/** Bytes per item that `fill` allocates, garbage included. Needs a young generation larger than all of it. */
export const allocatedPer = (n: number, fill: () => unknown): number => {
  const before = heapAfterCollection()
  const keep = [fill()]
  const after = process.memoryUsage().heapUsed
  keep.length = 0
  return (after - before) / n
}
