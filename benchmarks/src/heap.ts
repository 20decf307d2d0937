const collect = (): void => {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('measuring the heap needs --expose-gc')
  gc()
  gc()
}

/** Heap in bytes per item that `fill` leaves behind; `keep` holds what it returns until the measurement is over. */
export const heapPer = (n: number, fill: () => unknown): number => {
  collect()
  const before = process.memoryUsage().heapUsed
  const keep = [fill()]
  collect()
  const after = process.memoryUsage().heapUsed
  keep.length = 0
  return (after - before) / n
}

/** Bytes per item that `fill` allocates, garbage included. Needs a young generation larger than all of it. */
export const allocatedPer = (n: number, fill: () => unknown): number => {
  collect()
  const before = process.memoryUsage().heapUsed
  const keep = [fill()]
  const after = process.memoryUsage().heapUsed
  keep.length = 0
  return (after - before) / n
}
