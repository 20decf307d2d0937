export const double = (value: number): number => value * 2

export const describe = async (value: number): Promise<{ text: string }> => ({ text: `it is ${value}` })

export class Counter {
  count: number

  constructor(start: number) {
    this.count = start
  }

  add(amount: number): number {
    this.count += amount
    return this.count
  }
}
