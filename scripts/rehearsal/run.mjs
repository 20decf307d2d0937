import { spawn } from 'node:child_process'

/** Runs a command to its end and gives what it printed. Rejects with all of that when it fails or takes too long. */
export const run = (command, args, { cwd, env = process.env, timeout = 240_000 } = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, timeout, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let all = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text
      all += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      all += text
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(stdout)
      else reject(new Error(`${command} ${args.join(' ')} in ${cwd}: ${signal ?? `exit code ${code}`}\n${all}`))
    })
  })
