// As with `@types/jest`, whose `expect` is a global.
import { createTestEnvironment, models } from '@posttask/testing'
import { matchers } from '@posttask/testing/jest'

expect.extend(matchers)
const env = createTestEnvironment()
expect(env).toBeIdle()
expect(env).not.toHavePendingTask('expire', { due: 1 })
expect([]).toBeLinearizable(models.register(0))
// @ts-expect-error: a name is missing
expect(env).toHavePendingTask()
