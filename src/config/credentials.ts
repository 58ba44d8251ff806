/**
 * Secrets that systemd hands over (LoadCredential=, LoadCredentialEncrypted=): `"secret": "credential:NAME"` stands for
 * what the file NAME in $CREDENTIALS_DIRECTORY holds. So the config has no secret in it, and may be read by anybody.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateSecret } from '../base/secret.ts'
import { type KeyPath } from './document.ts'
import { type Findings } from './findings.ts'
import { secretKeys } from './schema.ts'
import { type Surroundings } from './storage-path.ts'

const PREFIX = 'credential:'
/** What systemd takes as a name, and no path. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}$/

/** Puts the secrets in the places that name them. A mistake leaves some secret there: it is told once, and nothing starts. */
export function putCredentials(value: unknown, surroundings: Pick<Surroundings, 'env'>, findings: Findings): void {
  const walk = (here: unknown, path: KeyPath) => {
    if (typeof here !== 'object' || here === null) return
    for (const [key, inner] of Object.entries(here)) {
      const at = [...path, Array.isArray(here) ? Number(key) : key]
      if (typeof inner !== 'string' || !secretKeys.includes(key) || !inner.startsWith(PREFIX)) walk(inner, at)
      else (here as Record<string, unknown>)[key] = read(inner.slice(PREFIX.length), at, surroundings, findings)
    }
  }
  walk(value, [])
}

function read(name: string, at: KeyPath, { env }: Pick<Surroundings, 'env'>, findings: Findings): string {
  const directory = env['CREDENTIALS_DIRECTORY']
  const trouble = !NAME.test(name)
    ? `'${name}' is no name of a credential: write credential:NAME as in LoadCredential=NAME:FILE`
    : directory === undefined
      ? `systemd gives credentials to the unit only: here $CREDENTIALS_DIRECTORY is not set. To check by hand, set it to a directory with a file ${name}`
      : null
  if (trouble === null && directory !== undefined) {
    try {
      return readFileSync(join(directory, name), 'utf8').trim()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      findings.mistake(
        at,
        `the credential ${name} cannot be read (${code}): add LoadCredential=${name}:FILE to the unit`,
      )
    }
  } else findings.mistake(at, trouble ?? '')
  return generateSecret()
}
