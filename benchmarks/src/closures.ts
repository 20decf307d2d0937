/** The closures that every contender is given. Without state: the queue is measured, not the work. */
export const noop = (): void => {}
export const syncClosure = (): number => 1
export const asyncClosure = async (): Promise<number> => 1
