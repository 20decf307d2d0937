import { EventEmitter } from 'node:events'
import { types } from 'node:util'
import { intrinsics } from '../intrinsics.ts'
import { attempt } from './attempt.ts'
import { shortened } from './shortened.ts'

const { EventTarget, structuredClone } = globalThis
const { isAnyArrayBuffer, isDate, isMap, isNativeError, isProxy, isRegExp, isSet } = types
const { getPrototypeOf, keys } = Object
const { isArray } = Array
// oxlint-disable-next-line typescript/unbound-method -- a static function, taken when the module is loaded
const { isView } = ArrayBuffer
const { get } = Reflect
const { stringify } = JSON

/** After so many objects the search gives up: it must not cost much more than the clone that failed. */
const mostObjects = 100_000
/** A trial costs as much as many objects do. */
const mostTrials = 10_000

/** Something in the value, and what holds it. */
interface Place {
  readonly value: unknown
  readonly parent: Place | undefined
  readonly step: string
}

const pathOf = (place: Place): string => {
  const steps: string[] = []
  for (let at: Place | undefined = place; at !== undefined; at = at.parent) steps.push(at.step)
  return shortened(steps.reverse().join(''))
}

const isIdentifier = /^[A-Za-z_$][\w$]*$/

const step = (key: string, isIndex: boolean): string => {
  if (isIdentifier.test(key)) return `.${key}`
  return isIndex ? `[${key}]` : `[${stringify(key)}]`
}

/** Stands for what throws when it is read. A symbol, for no symbol can be cloned either. */
const unreadable = Symbol('unreadable')

const isSimple = (value: unknown): boolean =>
  value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')

/** A socket or stream is named itself, not some listener deep inside. */
const isOpaque = (value: object): boolean => value instanceof EventEmitter || value instanceof EventTarget

/** Is cloned without what was put on it. */
const isPlainValue = (value: object): boolean => isView(value) || isAnyArrayBuffer(value) || isDate(value) || isRegExp(value)

function* partsOf(value: object): Generator<readonly [unknown, string]> {
  if (isOpaque(value) || isPlainValue(value)) return
  if (isMap(value)) {
    let index = 0
    for (const [key, item] of value) {
      yield [key, `.keys()[${index}]`]
      yield [item, typeof key === 'string' ? `.get(${stringify(key)})` : `.values()[${index}]`]
      index++
    }
  } else if (isSet(value)) {
    let index = 0
    for (const item of value) yield [item, `.values()[${index++}]`]
  } else if (isNativeError(value)) {
    yield [attempt<unknown>(() => value.cause, unreadable), '.cause']
  } else {
    const isList = isArray(value)
    for (const key of keys(value)) {
      const part = attempt<unknown>(() => get(value, key), unreadable)
      if (!isSimple(part)) yield [part, step(key, isList)]
    }
  }
}

const plainPrototypes: readonly unknown[] = [null, Object.prototype, Array.prototype, Map.prototype, Set.prototype]

const canClone = (value: unknown): boolean =>
  attempt(() => {
    structuredClone(value)
    return true
  }, false)

/** Breadth first, so that the path is short, and no nesting is too deep. */
const search = (root: Place, transfer: readonly object[]): Place | undefined => {
  const seen = new intrinsics.Set<unknown>(transfer)
  const places = [root]
  const doubtful: Place[] = []
  let isCut = false
  for (const place of places) {
    const { value } = place
    if (typeof value === 'function' || typeof value === 'symbol' || isProxy(value)) return place
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    const known = places.length
    try {
      for (const [part, partStep] of partsOf(value)) {
        isCut ||= places.length === mostObjects
        if (isCut) break
        if (!isSimple(part)) places.push({ value: part, parent: place, step: partStep })
      }
    } catch {
      return place
    }
    if (places.length === known && !plainPrototypes.includes(getPrototypeOf(value))) doubtful.push(place)
  }
  isCut ||= doubtful.length > mostTrials
  return doubtful.slice(0, mostTrials).find(({ value }) => !canClone(value)) ?? (isCut ? root : undefined)
}

/**
 * Where in `value` the thing is that structured clone refuses, such as `args[0].items[3].callback`; `path` where that
 * would take too long to find. Only called once cloning has failed. Undefined where no part of it is to blame (F4). Never
 * throws.
 */
export const uncloneablePath = (value: unknown, path: string, transfer: readonly object[] = []): string | undefined => {
  const root: Place = { value, parent: undefined, step: path }
  const culprit = attempt(() => search(root, transfer), root)
  return culprit && pathOf(culprit)
}
