import { taskContext } from '@posttask/core/worker'

export const double = (value: number): number => value * 2

export const name = async (): Promise<string> => taskContext().name ?? 'none'
