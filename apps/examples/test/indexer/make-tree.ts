import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A folder for one test, removed with `using`. */
export class TemporaryFolder implements Disposable {
  readonly path: string = realpathSync(mkdtempSync(join(tmpdir(), 'indexer-')))

  /** Writes a file in it and returns its path. */
  write(name: string, content: string | Uint8Array): string {
    const path = join(this.path, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    return path
  }

  link(name: string, target: string): void {
    symlinkSync(target, join(this.path, name))
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** A small tree with some sources, and one of each kind of file that gets a line of its own. */
export function makeTree(): TemporaryFolder {
  const folder = new TemporaryFolder()
  folder.write(
    'src/user.ts',
    'import { db } from "./db"\n\nexport function getUserName(user: User): string {\n  return user.name\n}\n',
  )
  folder.write('src/db.ts', 'export const db = openDatabase()\n// the user table\n')
  folder.write('src/deep/er/limits.ts', 'export const MAX_USER_COUNT = 500\n')
  folder.write('src/twin-b.ts', 'const twin = 1\n')
  folder.write('src/twin-a.ts', 'const twin = 1\n')
  folder.write('docs/crlf.md', 'first line\r\nsecond line tells of a user\r\n')
  folder.write('.git/config', 'user = nobody\n')
  folder.write('src/user.js.map', '{"user":1}')
  folder.write('bad/binary.bin', Uint8Array.of(1, 2, 0, 3))
  folder.write('bad/empty.txt', '')
  folder.write('bad/huge.txt', 'user '.repeat(1000))
  folder.write('bad/latin1.txt', Buffer.from('Grüße an jeden Nutzer', 'latin1'))
  folder.link('bad/loop', '..')
  folder.link('bad/self', 'self')
  folder.link('bad/broken', 'nowhere')
  folder.link('bad/link-to-source', '../src/user.ts')
  return folder
}
