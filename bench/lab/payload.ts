/** What is dropped: an image, an image that resembles an older one, or a directory of small files. */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Blake3Hasher, createBlake3 } from '../../src/base/blake3.ts'
import { writeIsoImage } from '../../test/iso-image.ts'
import { type Pool } from './programs/program.ts'
import { type Scenario } from './scenarios.ts'

const MB = 1e6
const FILES_IN_A_DIRECTORY = 100
const CHUNK_BYTES = 1 << 20

export interface Payload {
  readonly name: string
  readonly path: string
  readonly bytes: number
  /** Bytes that no host but the first has. */
  readonly newBytes: number
  readonly older: string | null
}

export function makePayload(scenario: Scenario, top: string): Payload {
  const bytes = scenario.megabytes * MB
  if (scenario.newPercent !== undefined) return release(bytes, scenario.newPercent / 100, top)
  if (scenario.files !== undefined) return manyFiles(bytes, scenario.files, top)
  const path = join(top, 'payload.iso')
  const length = writeIsoImage(path, { contentBytes: bytes })
  return { name: 'payload.iso', path, bytes: length, newBytes: length, older: null }
}

function manyFiles(bytes: number, files: number, top: string): Payload {
  const path = join(top, 'payload')
  const each = Math.floor(bytes / files)
  for (let k = 0; k < files; k++) {
    const directory = join(path, `d${Math.floor(k / FILES_IN_A_DIRECTORY)}`)
    if (k % FILES_IN_A_DIRECTORY === 0) mkdirSync(directory, { recursive: true })
    const fd = openSync(join(directory, `f${k}`), 'w')
    writeSync(fd, randomBytes(each))
    closeSync(fd)
  }
  return { name: 'payload', path, bytes: each * files, newBytes: each * files, older: null }
}

const SECTOR = 2048
/** A distribution's packages: many small ones, few large. Sizes in sectors. */
const PACKAGE_SECTORS = [5, 12, 20, 40, 75, 150, 400, 1600]

/**
 * Two images as an image builder makes them of packages: each package at a multiple of a sector. In the newer one some are
 * replaced by packages of another size, so that all behind them is shifted.
 */
function release(bytes: number, newShare: number, top: string): Payload {
  const [older, path] = [join(top, 'older.iso'), join(top, 'payload.iso')]
  const [olderFd, newerFd] = [openSync(older, 'w'), openSync(path, 'w')]
  let [written, newBytes] = [0, 0]
  for (let k = 0; written < bytes; k++) {
    const sectors = PACKAGE_SECTORS[k % PACKAGE_SECTORS.length]!
    const content = randomBytes(sectors * SECTOR)
    const isNew = newBytes < newShare * written
    const newer = isNew ? randomBytes((sectors + 1) * SECTOR) : content
    writeSync(olderFd, content)
    writeSync(newerFd, newer)
    written += newer.length
    if (isNew) newBytes += newer.length
  }
  closeSync(olderFd)
  closeSync(newerFd)
  return { name: 'payload.iso', path, bytes: written, newBytes, older }
}

/** All of it is there under its final name. Files in progress have other names, with all of these programs. */
export function isWhole(pool: Pool, host: number): boolean {
  const path = join(pool.data(host), pool.payload)
  const { files } = pool.scenario
  if (files === undefined || !existsSync(path)) return existsSync(path)
  let left = files
  for (const directory of readdirSync(path))
    left -= readdirSync(join(path, directory)).filter((name) => /^f\d+$/.test(name)).length
  return left <= 0
}

/** Of a file, or of all files below a directory with their names. */
export function hashOf(path: string): string {
  const hasher = createBlake3()
  const isDirectory = statSync(path).isDirectory()
  const names = isDirectory ? readdirSync(path, { recursive: true, encoding: 'utf8' }).toSorted() : ['']
  for (const name of names) {
    const file = join(path, name)
    if (!statSync(file).isFile()) continue
    hasher.update(Buffer.from(name))
    readInto(hasher, file)
  }
  return hasher.digest().toString('hex')
}

function readInto(hasher: Blake3Hasher, path: string): void {
  const [fd, chunk] = [openSync(path, 'r'), Buffer.alloc(CHUNK_BYTES)]
  for (let n = readSync(fd, chunk); n > 0; n = readSync(fd, chunk)) hasher.update(chunk.subarray(0, n))
  closeSync(fd)
}
