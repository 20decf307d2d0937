import { tinypoolExecutor } from '@posttask/backend-tinypool'
import { describeGlobals } from '../../core/test/worker/globals-suite.ts'

describeGlobals('tinypool', tinypoolExecutor)
