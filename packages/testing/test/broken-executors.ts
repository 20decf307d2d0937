import type { BoundTask, Clock, Executor, Task, TaskExecution, ThreadExecutor } from '@posttask/core'
import type { TestEnvironment } from '@posttask/testing'

type Change = (good: Executor, env: TestEnvironment) => Partial<Executor>

const broken = (env: TestEnvironment, change: Change): Executor => {
  const good = env.createExecutor({ workers: 2 })
  const whole: Executor = {
    name: 'broken',
    accepts: good.accepts,
    clock: good.clock,
    maxConcurrency: good.maxConcurrency,
    capabilities: good.capabilities,
    execute: (task, execution) => good.execute(task, execution),
    openThread: () => good.openThread(),
    close: () => good.close(),
    terminate: () => good.terminate(),
  }
  return { ...whole, ...change(good, env) }
}

const withExecute = (
  execute: (good: Executor, task: Task, execution: TaskExecution, env: TestEnvironment) => unknown,
): Change => {
  return (good, env) => {
    const faulty = (task: Task, execution: TaskExecution): unknown => execute(good, task, execution, env)
    return {
      execute: faulty,
      openThread: (): ThreadExecutor => ({ execute: faulty, close: () => good.close(), terminate: () => good.terminate() }),
    }
  }
}

const withClock = (change: (clock: Clock) => Partial<Clock>): Change => {
  return (good) => {
    const { clock } = good
    return {
      clock: {
        now: () => clock.now(),
        setTimer: (delay, callback) => clock.setTimer(delay, callback),
        nextTurn: (callback) => clock.nextTurn(callback),
        nextPump: (callback) => clock.nextPump?.(callback),
        seam: clock.seam,
        ...change(clock),
      },
    }
  }
}

const inPlace = async (task: Task): Promise<unknown> => {
  const { module, export: name, args } = task as BoundTask
  return ((await import(module)) as Record<string, (...args: readonly unknown[]) => unknown>)[name]?.(...args)
}

/** One executor for each class of fault, and the case that has to notice. */
export const brokenExecutors: readonly {
  readonly fault: string
  readonly caughtBy: RegExp
  readonly make: (env: TestEnvironment) => Executor
}[] = (
  [
    [
      'loses the result',
      /F1 run gives the value/,
      withExecute(async (good, task, execution) => void (await good.execute(task, execution))),
    ],
    [
      'passes results as JSON',
      /F1 run gives the value/,
      withExecute(async (good, task, execution) => {
        const result = await good.execute(task, execution)
        return result === undefined ? undefined : JSON.parse(JSON.stringify(result))
      }),
    ],
    [
      'swallows errors',
      /F1 an error arrives/,
      withExecute(async (good, task, execution) => (good.execute(task, execution) as Promise<unknown>).catch(() => undefined)),
    ],
    [
      'flattens errors to their message',
      /F1 an error arrives/,
      withExecute(async (good, task, execution) =>
        (good.execute(task, execution) as Promise<unknown>).catch((error: unknown) => {
          throw new Error(error instanceof Error ? error.message : String(error))
        }),
      ),
    ],
    [
      'wraps what is no error',
      /F1 something thrown that is no error/,
      withExecute(async (good, task, execution) =>
        (good.execute(task, execution) as Promise<unknown>).catch((error: unknown) => {
          throw error instanceof Error ? error : new Error(String(error))
        }),
      ),
    ],
    [
      'shares arguments with the poster',
      /never changed for the poster|cannot be copied/,
      withExecute((_good, task) => inPlace(task)),
    ],
    [
      'runs every task twice',
      /no task runs twice/,
      withExecute(async (good, task, execution) => {
        await good.execute(task, execution)
        return good.execute(task, execution)
      }),
    ],
    [
      'frees the slot before a task without a result has ended',
      /S2 a sequence never has two tasks inside/,
      withExecute((good, task, execution) => {
        const outcome = good.execute(task, execution)
        return (task as BoundTask).export === 'stay' ? undefined : outcome
      }),
    ],
    [
      'runs one task at a time although it declares two slots',
      /S2 two sequences do not wait for each other/,
      (good) => {
        let last: Promise<unknown> = Promise.resolve()
        return {
          execute: (task, execution) => {
            last = last.then(() => good.execute(task, execution)).catch((error: unknown) => Promise.reject(error))
            return last
          },
        }
      },
    ],
    [
      'reports progress after the outcome',
      /progress arrives in order/,
      withExecute((good, task, execution, env) => {
        const late = (value: unknown): void => void env.clock.setTimer(1, () => execution.progress(value))
        return good.execute(
          task,
          new Proxy(execution, { get: (target, key) => (key === 'progress' ? late : Reflect.get(target, key, target)) }),
        )
      }),
    ],
    [
      'ignores what is transferred',
      /what is transferred/,
      withExecute((good, task, execution) =>
        good.execute(
          task,
          new Proxy(execution, { get: (target, key) => (key === 'transfer' ? undefined : Reflect.get(target, key, target)) }),
        ),
      ),
    ],
    [
      'names no path of what cannot be copied',
      /F4/,
      withExecute(async (good, task, execution) =>
        (good.execute(task, execution) as Promise<unknown>).catch((error: unknown) => {
          if ((error as Error).name === 'TaskSerializationError') Object.defineProperty(error, 'path', { value: '' })
          throw error
        }),
      ),
    ],
    [
      'hides that a module is missing',
      /ModuleLoadErrors/,
      withExecute(async (good, task, execution) =>
        (good.execute(task, execution) as Promise<unknown>).catch((error: unknown) => {
          if ((error as Error).name === 'ModuleLoadError') return undefined
          throw error
        }),
      ),
    ],
    [
      'has a clock whose timers are early and that lies about it',
      /D1 a delayed task never starts early/,
      withClock((clock) => ({
        setTimer: (delay, callback) => clock.setTimer(delay / 2, callback),
        now: () => Math.floor(clock.now() / 20) * 20 + (clock.now() % 20) / 2,
      })),
    ],
    [
      'cannot be closed twice',
      /W6 an executor may be closed twice/,
      () => {
        let closed = false
        return {
          close: async () => {
            if (closed) throw new Error('closed already')
            closed = true
          },
        }
      },
    ],
  ] as const satisfies readonly (readonly [string, RegExp, Change])[]
).map(([fault, caughtBy, change]) => ({
  fault,
  caughtBy,
  make: (env: TestEnvironment) => broken(env, change),
}))
