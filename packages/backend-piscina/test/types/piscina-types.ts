// Compiled by `typecheck` and never run: what we declare of piscina holds against its own declarations.
import { type PiscinaThreadOptions, piscinaExecutor } from '@posttask/backend-piscina'
import { Piscina } from 'piscina'

type TheirOptions = NonNullable<ConstructorParameters<typeof Piscina>[0]>
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

export const taken = (ours: Required<PiscinaThreadOptions>): TheirOptions => ours
export const named: Same<keyof PiscinaThreadOptions, keyof PiscinaThreadOptions & keyof TheirOptions> = true
export const borrowed = piscinaExecutor({ pool: new Piscina({ concurrentTasksPerWorker: 1 }) })

// @ts-expect-error the queue is the ThreadPool's
piscinaExecutor({ maxQueue: 1 })
// @ts-expect-error options and a pool exclude each other
piscinaExecutor({ pool: new Piscina(), maxThreads: 1 })
// @ts-expect-error this is no pool
piscinaExecutor({ pool: {} })
