const ownFrame = /[\\/](?:packages|@posttask)[\\/](?:core|testing)[\\/](?:src|dist)[\\/]|\bnode:internal\b/
const place = /([^\\/(\s]+?)(?:\?[^:)]*)?:(\d+):(\d+)\)?$/

/** The first place of a stack that is neither this package's nor core's, as `file:line:column`. Empty where none is. */
export const callSite = (stack: string): string => {
  for (const line of stack.split('\n').slice(1)) {
    if (ownFrame.test(line)) continue
    const found = place.exec(line.trim())
    if (found) return `${found[1]}:${found[2]}:${found[3]}`
  }
  return ''
}
