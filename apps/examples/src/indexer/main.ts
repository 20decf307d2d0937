import { parseCommand, UsageError, usage } from './arguments.ts'
import { chooseScreen } from './choose-screen.ts'
import { runIndexCommand } from './index-command.ts'
import { runSearchCommand } from './search-command.ts'
import { startFolder } from './start-folder.ts'

/** The program: one command, one exit code. */
async function main(args: readonly string[]): Promise<number> {
  let screen = chooseScreen({ json: false, quiet: true }, process)
  let failed = 1
  try {
    const command = parseCommand(args, startFolder(process.env, process.cwd()))
    if (command.command === 'help') {
      process.stdout.write(usage)
      return 0
    }
    if (command.command === 'search') {
      failed = 2
      return await runSearchCommand(command)
    }
    screen = chooseScreen(command, process)
    return await runIndexCommand(command, screen)
  } catch (error) {
    screen.failed(error instanceof Error ? error.message : String(error))
    if (!(error instanceof UsageError)) return failed
    process.stderr.write('(pnpm demo --help says how it is used)\n')
    return 2
  }
}

// Set, not exit(): what was written to a pipe must still get through.
process.exitCode = await main(process.argv.slice(2))
