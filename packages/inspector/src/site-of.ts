/** The place of a post, as `function (file:line:column)`; undefined where the pool does not trace origins. */
export const siteOf = (post: { readonly origin: string | undefined } | undefined): string | undefined =>
  post?.origin?.split('\n', 1)[0]?.replace(/^\s*at (?:async )?/, '')
