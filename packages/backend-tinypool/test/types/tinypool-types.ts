// Compiled by `typecheck` and never run: what we declare of tinypool holds against its own declarations.
import { type TinypoolThreadOptions, tinypoolExecutor } from '@posttask/backend-tinypool'
import { Tinypool } from 'tinypool'

type TheirOptions = NonNullable<ConstructorParameters<typeof Tinypool>[0]>
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

export const taken = (ours: Required<TinypoolThreadOptions>): TheirOptions => ours
export const named: Same<keyof TinypoolThreadOptions, keyof TinypoolThreadOptions & keyof TheirOptions> = true
export const borrowed = tinypoolExecutor({ pool: new Tinypool({ concurrentTasksPerWorker: 1 }) })

// @ts-expect-error the queue is the ThreadPool's
tinypoolExecutor({ maxQueue: 1 })
// @ts-expect-error options and a pool exclude each other
tinypoolExecutor({ pool: new Tinypool(), maxThreads: 1 })
// @ts-expect-error this is no pool
tinypoolExecutor({ pool: {} })
