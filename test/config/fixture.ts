/** A machine for config tests: a temporary directory with folders, and texts of configs that use them. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext } from 'node:test'
import { generateSecret } from '../../src/base/secret.ts'
import { type Surroundings } from '../../src/config/storage-path.ts'

export interface Fixture {
  readonly dir: string
  readonly secret: string
  readonly surroundings: Surroundings
  /** Makes a directory below the fixture's. */
  readonly folder: (name: string) => string
  /** Writes a config, readable by its owner only. */
  readonly write: (text: string) => string
}

export function fixture(t: TestContext): Fixture {
  const dir = mkdtempSync(join(tmpdir(), 'isosyncd-config-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const folder = (name: string) => {
    mkdirSync(join(dir, name), { recursive: true })
    return join(dir, name)
  }
  return {
    dir,
    secret: generateSecret(),
    surroundings: { env: { STATE_DIRECTORY: folder('state') }, home: dir, hostName: 'testhost' },
    folder,
    write: (text) => {
      const file = join(dir, 'sync.json')
      writeFileSync(file, text)
      chmodSync(file, 0o600)
      return file
    },
  }
}

/** The sample config with only dir, secret and host names filled in. */
export function filledSample({ folder, secret }: Fixture): string {
  const text = readFileSync(new URL('../../config/sync.sample.json', import.meta.url), 'utf8')
  return text
    .replace('MY_SECRET_1', secret)
    .replace('/srv/iso', folder('pool'))
    .replace(/isoserver([0-9]+)\.example\.(com|net|org)/g, 'iso$1.lan')
}
