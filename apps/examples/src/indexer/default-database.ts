import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Where the index is kept unless `--db` says otherwise: `posttask-demo/index.sqlite` in the user's cache folder
 * (`$XDG_CACHE_HOME`, else `~/.cache`), or in the folder for temporary files where the former lies inside of the
 * tree to be indexed. One index holds any number of trees.
 */
export function defaultDatabase(root: string | undefined, env: NodeJS.ProcessEnv): string {
  const cache = join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'posttask-demo', 'index.sqlite')
  const isInside = root !== undefined && cache.startsWith(join(root, '/'))
  return isInside ? join(tmpdir(), 'posttask-demo', 'index.sqlite') : cache
}
