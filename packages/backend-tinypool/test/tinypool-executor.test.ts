import { tinypoolExecutor } from '@posttask/backend-tinypool'
import { describeThreadExecutor } from '../../core/test/worker/thread-executor-suite.ts'

describeThreadExecutor('tinypool', tinypoolExecutor, new URL('../src/index.ts', import.meta.url).href, 'tinypoolExecutor')
