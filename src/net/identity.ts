/** This host's identity: an Ed25519 seed in a file that only the daemon's user can read. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { syncPath } from '../base/sync-path.ts'

const SEED_BYTES = 32

/** The 32-byte seed in `file`, which is made (mode 0600) if it is not there. Throws with the file's name otherwise. */
export function loadOrMakeIdentity(file: string): Uint8Array {
  const found = read(file)
  if (found === null) return make(file)
  if (found.byteLength !== SEED_BYTES)
    throw new Error(
      `${file}: this is no identity (${found.byteLength} bytes instead of ${SEED_BYTES}). Restore it from a backup, or remove it: then this host gets a new one, which other hosts accept like any new host`,
    )
  return found
}

function read(file: string): Uint8Array | null {
  try {
    return readFileSync(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** It is there whole or not at all: half of one, from a full disk or a power cut, would keep the daemon from starting. */
function make(file: string): Uint8Array {
  const seed = randomBytes(SEED_BYTES)
  const growing = `${file}.tmp`
  rmSync(growing, { force: true })
  const fd = openSync(growing, 'wx', 0o600)
  try {
    writeSync(fd, seed)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(growing, file)
  syncPath(dirname(file))
  return seed
}
