import { tinypoolExecutor } from '@posttask/backend-tinypool'
import { describeSerialization } from '../../core/test/worker/serialization-suite.ts'

describeSerialization('tinypool', tinypoolExecutor)
