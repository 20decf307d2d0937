// A reporter for vitest: what a run came to, for test-count.mjs. Unlike vitest's own JSON it tells of errors that belong
// to no test, and of tests that never came to an end because their process died.
import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

interface Failure {
  readonly what: string
  readonly why: string
}

/** What comes from a test's process is a copy. */
interface ErrorLike {
  readonly message: string
  readonly stack?: string | undefined
  readonly cause?: unknown
}

const textOf = (errors: readonly ErrorLike[]): string =>
  errors
    .map(({ message, stack, cause }) => {
      const { message: causeText } = (cause ?? {}) as Partial<ErrorLike>
      return `${causeText === undefined ? '' : `caused by "${causeText}": `}${stack ?? message}`
    })
    .join('\n')

const failuresOf = (module: TestModule): Failure[] => {
  const failures: Failure[] = []
  const place = `${module.project.name} ${module.relativeModuleId}`
  const note = (errors: readonly ErrorLike[], what: string): void => {
    if (errors.length > 0) failures.push({ what, why: textOf(errors) })
  }
  note(module.errors(), place)
  for (const suite of module.children.allSuites()) note(suite.errors(), `${place} > ${suite.fullName}`)
  for (const test of module.children.allTests()) {
    const { state, errors } = test.result()
    const what = `${place} > ${test.fullName}`
    if (state === 'failed') failures.push({ what, why: textOf(errors) })
    else if (state === 'pending') failures.push({ what, why: 'never came to an end' })
  }
  if (module.state() === 'queued' || module.state() === 'pending') failures.push({ what: place, why: 'never came to an end' })
  return failures
}

/** Writes `{ passed, failures }` into `file`. */
export class ResultReporter implements Reporter {
  readonly #file: string
  /** How processes of tests ended that vitest did not end: it does not tell itself. */
  readonly #deaths: string[] = []

  constructor(file: string) {
    this.#file = file
  }

  onInit(): void {
    subscribe('child_process', (message) => {
      const { process: child } = message as { readonly process: ChildProcess }
      child.once('exit', (code, signal) => {
        if (signal !== 'SIGTERM') this.#deaths.push(signal ?? `exit code ${code}`)
      })
    })
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly ErrorLike[]): void {
    const passed = modules.flatMap((module) => [...module.children.allTests('passed')]).length
    const failures = modules.flatMap(failuresOf)
    const deaths = this.#deaths.length === 0 ? '' : `processes ended by themselves (${this.#deaths.join(', ')}); `
    for (const error of unhandledErrors) failures.push({ what: 'an error of no test', why: deaths + textOf([error]) })
    mkdirSync(dirname(this.#file), { recursive: true })
    writeFileSync(this.#file, JSON.stringify({ passed, failures }))
  }
}
