import type { TaskPostedEvent } from '@posttask/core'

/** The place of a post, as `function (file:line:column)`; undefined where the pool does not trace origins. */
export const siteOf = (post: TaskPostedEvent | undefined): string | undefined =>
  post?.origin?.split('\n', 1)[0]?.replace(/^\s*at (?:async )?/, '')
