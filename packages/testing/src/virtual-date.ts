/**
 * `Date` with another now. It shares the prototype of the real one, so a date of either is an instance of both.
 */
export const virtualDate = (RealDate: DateConstructor, now: () => number): DateConstructor => {
  // A class could not be called.
  function VirtualDate(...args: readonly unknown[]): unknown {
    if (new.target === undefined) return new RealDate(now()).toString()
    return Reflect.construct(RealDate, args.length === 0 ? [now()] : args, new.target)
  }
  return Object.defineProperties(VirtualDate, {
    ...Object.getOwnPropertyDescriptors(RealDate),
    now: { value: now, configurable: true, writable: true },
  }) as unknown as DateConstructor
}
