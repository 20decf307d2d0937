import { piscinaExecutor } from '@posttask/backend-piscina'
import { describeThreadExecutor } from '../../core/test/worker/thread-executor-suite.ts'

describeThreadExecutor('piscina', piscinaExecutor, new URL('../src/index.ts', import.meta.url).href, 'piscinaExecutor')
