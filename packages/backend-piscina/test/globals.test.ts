import { piscinaExecutor } from '@posttask/backend-piscina'
import { describeGlobals } from '../../core/test/worker/globals-suite.ts'

describeGlobals('piscina', piscinaExecutor)
