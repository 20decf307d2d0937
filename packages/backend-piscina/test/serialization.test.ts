import { piscinaExecutor } from '@posttask/backend-piscina'
import { describeSerialization } from '../../core/test/worker/serialization-suite.ts'

describeSerialization('piscina', piscinaExecutor)
