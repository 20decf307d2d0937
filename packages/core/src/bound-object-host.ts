import { callMethod, disposeOf } from './bound-object.ts'
import { WorkerCrashedError } from './errors.ts'
import { loadExport } from './load-export.ts'

const { construct } = Reflect
// oxlint-disable-next-line typescript/unbound-method -- called with their object
const textOf = Function.prototype.toString

const objects = new Map<string, object>()

/** Makes an object in this thread and keeps it: the construction of a `SequenceBound`. */
export const createBoundObject = async (id: string, module: string, name: string, args: readonly unknown[]): Promise<void> => {
  const make = await loadExport(module, name)
  const isClass = /^class\b/.test(textOf.call(make))
  objects.set(id, (isClass ? construct(make, args) : await make(...(args as never[]))) as object)
}

/** Calls a method of an object in this thread. */
export const callBoundObject = (id: string, method: string, args: readonly unknown[]): unknown => {
  const object = objects.get(id)
  if (object === undefined)
    throw new WorkerCrashedError(`the object of a SequenceBound is gone: the thread that it lived on was lost; make a new one`)
  return callMethod(object, method, args)
}

/** Lets go of an object in this thread. */
export const disposeBoundObject = async (id: string): Promise<void> => {
  const object = objects.get(id)
  objects.delete(id)
  await disposeOf(object)
}
