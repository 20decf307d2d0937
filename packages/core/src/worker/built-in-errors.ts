import * as coreErrors from '../errors.ts'

/** The error classes that are the same on both sides, by name. */
export const builtInErrors: ReadonlyMap<string, ErrorConstructor> = new Map(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError].map((errorClass) => [
    errorClass.name,
    errorClass as ErrorConstructor,
  ]),
)

/** Those of this package. */
export const ourErrors: ReadonlyMap<string, unknown> = new Map(Object.entries(coreErrors))
