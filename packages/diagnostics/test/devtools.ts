/** What Chrome's DevTools make of a trace. */
export interface DevToolsView {
  readonly isGeneric: boolean
  /** The names of the lanes with slices. */
  readonly lanes: readonly (string | null)[]
  /** The names of the slices that each arrow connects. */
  readonly arrows: readonly string[]
}

interface Slice {
  readonly name: string
}

interface Lane {
  readonly name: string | null
  readonly entries: readonly unknown[]
}

interface Engine {
  readonly TraceModel: {
    readonly Model: {
      createWithAllHandlers(): {
        parse(events: readonly unknown[]): Promise<void>
        parsedTrace(): {
          readonly data: {
            readonly Meta: { readonly traceIsGeneric: boolean }
            readonly Flows: { readonly flows: readonly (readonly Slice[])[] }
            readonly Renderer: { readonly processes: ReadonlyMap<number, { readonly threads: ReadonlyMap<number, Lane> }> }
          }
        } | null
      }
    }
  }
}

// It is made for browsers; this is all that it misses.
Object.assign(globalThis, { DOMRect: (globalThis as { DOMRect?: unknown }).DOMRect ?? class DOMRect {} })

/** Reads a trace with the very code of the Performance panel, as it is published for Node. */
export const openInDevTools = async (events: readonly unknown[]): Promise<DevToolsView> => {
  const { TraceModel } = (await import('@paulirish/trace_engine')) as unknown as Engine
  const model = TraceModel.Model.createWithAllHandlers()
  await model.parse(structuredClone(events))
  const parsed = model.parsedTrace()
  if (parsed === null) throw new Error('DevTools found no trace')
  const { Meta, Flows, Renderer } = parsed.data
  const lanes = [...Renderer.processes.values()].flatMap(({ threads }) => [...threads.values()])
  return {
    isGeneric: Meta.traceIsGeneric,
    lanes: lanes.filter(({ entries }) => entries.length > 0).map(({ name }) => name),
    arrows: Flows.flows.map((flow) => flow.map(({ name }) => name).join(' > ')),
  }
}
