/** Every benchmark, by the name that `pnpm bench NAME` takes; a bare id such as `b1` is enough. */
export const benchmarkNames: readonly string[] = [
  'b01-sequenced-post',
  'b02-run-at-once',
  'b03-run-in-turn',
  'b04-priorities',
  'b05-task-and-reply',
  'b06-delayed-tasks',
  'b07-event-loop-delay',
  'b08-heap-per-task',
  'b09-thread-throughput',
  'b10-thread-round-trip',
  'b11-thread-cpu-tasks',
  'b12-cold-start',
  'b13-size',
  'b14-observability',
]

/** The names that `asked` means. Throws a `RangeError` for none. */
export const selectBenchmarks = (asked: readonly string[]): readonly string[] => {
  if (asked.length === 0) return benchmarkNames
  return asked.map((word) => {
    const id = /^b(\d+)$/i.exec(word)?.[1]?.padStart(2, '0')
    const found = benchmarkNames.find(
      (name) => name === word || (id !== undefined ? name.startsWith(`b${id}-`) : name.includes(word)),
    )
    if (found === undefined) throw new RangeError(`no benchmark ${word}; there are: ${benchmarkNames.join(', ')}`)
    return found
  })
}
