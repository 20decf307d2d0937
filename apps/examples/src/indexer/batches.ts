/** When a batch is full: at `count` items, or when what they weigh together reaches `weight`. */
export interface BatchLimits<Item> {
  readonly count: number
  readonly weight: number
  weigh(item: Item): number
}

/** Gathers items into batches. The last one holds what is left, and there is no empty one. */
export async function* inBatches<Item>(items: AsyncIterable<Item>, limits: BatchLimits<Item>): AsyncGenerator<Item[]> {
  let batch: Item[] = []
  let weight = 0
  for await (const item of items) {
    batch.push(item)
    weight += limits.weigh(item)
    if (batch.length < limits.count && weight < limits.weight) continue
    yield batch
    batch = []
    weight = 0
  }
  if (batch.length > 0) yield batch
}
