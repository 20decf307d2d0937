/**
 * The folder that relative paths start at. pnpm runs its scripts in the folder of the workspace, and says in `INIT_CWD`
 * where it was called. Scripts of ours that start the program hand down an `INIT_CWD` that is not meant for it.
 */
export function startFolder(env: NodeJS.ProcessEnv, cwd: string): string {
  return (env['npm_lifecycle_event'] === 'demo' && env['INIT_CWD']) || cwd
}
