/**
 * Reads a config file: text -> document (positions) -> schema -> checks across keys and on disk -> Config. Tells every
 * mistake at once, and touches nothing.
 */
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseSecret } from '../base/secret.ts'
import { buildConfig } from './build.ts'
import { checkSchema } from './check-schema.ts'
import { type Config } from './config.ts'
import { putCredentials } from './credentials.ts'
import { checkRotation } from './rotation.ts'
import { checkFolders, checkMetaDirs, checkOwnPlace, placeOf, type Places } from './directories.ts'
import { type Document, type KeyPath, parseDocument } from './document.ts'
import { Findings } from './findings.ts'
import { inFileOrder, type Mistake } from './mistake.ts'
import { checkTimedLimits } from './check-timed-limits.ts'
import { defaultStoragePath, type Surroundings, thisMachine } from './storage-path.ts'

export type LoadedConfig =
  | {
      readonly ok: true
      readonly config: Config
      readonly warnings: readonly Mistake[]
      /** Mistakes to whoever checks the config; a daemon halts these folders until the disk shows otherwise. */
      readonly awaited: readonly Mistake[]
    }
  | { readonly ok: false; readonly mistakes: readonly Mistake[]; readonly warnings: readonly Mistake[] }

/** Others on this host may read the file: it holds secrets. */
const OTHERS_MAY_READ = 0o004

/** Loads `file`. Never throws for what is wrong with the file or the disk. */
export function loadConfig(file: string, surroundings: Surroundings = thisMachine()): LoadedConfig {
  let text: string
  let mode: number
  try {
    text = readFileSync(file, 'utf8')
    mode = statSync(file).mode
  } catch (error) {
    return { ok: false, mistakes: [unreadable(file, error as NodeJS.ErrnoException)], warnings: [] }
  }
  const loaded = parseConfig(text, file, surroundings)
  if ((mode & OTHERS_MAY_READ) === 0) return loaded
  const openFile = {
    file,
    line: 0,
    column: 0,
    key: '',
    text: 'anyone on this host can read the secrets in it: chmod o-rwx it',
  }
  return { ...loaded, warnings: [openFile, ...loaded.warnings] }
}

/** The same for a text that is already there; `file` is for messages and relative paths. */
export function parseConfig(text: string, file: string, surroundings: Surroundings = thisMachine()): LoadedConfig {
  const document = parseDocument(text)
  const findings = new Findings(file, document)
  for (const { position, text: words } of document.syntaxMistakes) findings.mistake([], words, position)
  if (typeof document.value !== 'object' || document.value === null || Array.isArray(document.value)) {
    findings.mistake([], 'expected an object in braces: { "shared_folders": [ … ] }')
    return { ok: false, mistakes: findings.mistakes(), warnings: [] }
  }
  putCredentials(document.value, surroundings, findings)
  const written = checkSchema(document, findings)
  const places = checkTogether(document, file, surroundings, findings)
  const mistakes = findings.mistakes()
  const awaited = findings.awaitings()
  if (written === null || mistakes.length > 0)
    return { ok: false, mistakes: inFileOrder([...mistakes, ...awaited]), warnings: findings.warnings() }
  const config = buildConfig(written, places, file, surroundings)
  return { ok: true, config, warnings: findings.warnings(), awaited }
}

/** Checks that need several keys or the disk: on the raw values, so that one wrong key does not hide another mistake. */
function checkTogether(document: Document, file: string, surroundings: Surroundings, findings: Findings): Places {
  const top = document.value as Record<string, unknown>
  const place = (key: KeyPath, written: unknown) => (isPath(written) ? placeOf(key, written, file) : null)
  const folders = foldersOf(top).flatMap(({ value, key }) => {
    const dir = place([...key, 'dir'], value['dir'])
    return dir === null ? [] : [{ dir, meta: place([...key, 'meta_dir'], value['meta_dir']) }]
  })
  const dirs = folders.map(({ dir }) => dir)
  const storage = place(['storage_path'], top['storage_path'] ?? defaultStoragePath(surroundings))
  const pidFile = place(['pid_file'], top['pid_file'])
  checkFolders(dirs, findings)
  checkMetaDirs(
    folders.flatMap(({ dir, meta }) => (meta === null ? [] : [{ dir, meta }])),
    dirs,
    findings,
  )
  if (storage !== null) checkOwnPlace(storage, 'directory', dirs, findings)
  if (pidFile !== null) checkOwnPlace(pidFile, 'file', dirs, findings)
  checkSecrets(top, findings)
  for (const { value, key } of foldersOf(top)) checkRotation(value, key, findings)
  checkHosts(top, findings)
  checkTimedLimits(top, findings)
  return { storage: storage ?? placeOf([], defaultStoragePath(surroundings), file), pidFile, folders }
}

function checkSecrets(top: Record<string, unknown>, findings: Findings): void {
  const seen = new Set<string>()
  for (const { value, key } of foldersOf(top)) {
    const keys = typeof value['secret'] === 'string' ? parseSecret(value['secret']) : ''
    if (typeof keys === 'string') continue
    if (seen.has(keys.id))
      findings.mistake([...key, 'secret'], 'another folder of this file has the same secret: each needs its own')
    seen.add(keys.id)
  }
}

function checkHosts(top: Record<string, unknown>, findings: Findings): void {
  for (const { value, key } of foldersOf(top)) {
    const hosts: unknown = value['known_hosts'] ?? []
    if (!Array.isArray(hosts)) continue
    if (hosts.length === 0)
      findings.warning([...key, 'known_hosts'], 'names no host: this folder is synced with nobody')
    for (const [i, host] of hosts.entries()) {
      if (hosts.indexOf(host) < i) findings.warning([...key, 'known_hosts', i], `'${String(host)}' is named twice`)
    }
  }
}

function foldersOf(top: Record<string, unknown>): { value: Record<string, unknown>; key: KeyPath }[] {
  const folders: unknown = top['shared_folders']
  if (!Array.isArray(folders)) return []
  return folders.flatMap((value: unknown, i) =>
    typeof value === 'object' && value !== null
      ? [{ value: value as Record<string, unknown>, key: ['shared_folders', i] }]
      : [],
  )
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\0')
}

function unreadable(file: string, error: NodeJS.ErrnoException): Mistake {
  const why =
    error.code === 'ENOENT'
      ? 'it does not exist'
      : error.code === 'EACCES'
        ? 'this user may not read it'
        : error.message
  return { file: resolve(file), line: 0, column: 0, key: '', text: `cannot be read: ${why}` }
}
