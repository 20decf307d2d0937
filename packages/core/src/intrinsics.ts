interface Intrinsics {
  readonly Error: ErrorConstructor
  readonly Float64Array: Float64ArrayConstructor
  readonly Int32Array: Int32ArrayConstructor
  readonly Map: MapConstructor
  readonly Promise: PromiseConstructor
  readonly RangeError: RangeErrorConstructor
  readonly Set: SetConstructor
  readonly String: StringConstructor
  readonly TypeError: TypeErrorConstructor
  readonly Uint8Array: Uint8ArrayConstructor
}

/**
 * What code on a thread needs of the global object when tasks have run: taken when it is loaded, for a task may replace or
 * delete anything there, and later ones must not notice. Functions of `Object` and its like are taken where they are used.
 */
export const intrinsics: Intrinsics = {
  Error,
  Float64Array,
  Int32Array,
  Map,
  Promise,
  RangeError,
  Set,
  String,
  TypeError,
  Uint8Array,
}
