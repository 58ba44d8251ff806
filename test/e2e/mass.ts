/**
 * A disaster on one host: most of the pool is deleted, or a program encrypts all it finds. Before the operator has said
 * that it was meant, no other host loses anything; a few deletions go through at once.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type ProblemKind } from '../../src/sync/problem.ts'
import { Cluster, type Host, until } from './cluster.ts'
import { archiveOf, drop, problemOf, settled, tree } from './pool.ts'

export const DISASTERS = ['deleted', 'encrypted', 'encrypted and renamed', 'encrypted into new files'] as const
export type Disaster = (typeof DISASTERS)[number]

const FILE_BYTES = 4000
const FILES_IN_A_DIRECTORY = 50

export interface MassFigures {
  readonly disaster: Disaster
  /** Files that the disaster took on one host. */
  readonly struck: number
  /** Files that another host lost before the operator approved. */
  readonly leftBefore: number
  /** Before it, one file in twenty was deleted: until all others had carried that out. */
  readonly fewS: number
}

interface Pool {
  readonly host: Host
  readonly others: readonly Host[]
}

export interface MassOptions {
  readonly disaster: Disaster
  readonly files: number
}

export async function strike({ disaster, files }: MassOptions): Promise<MassFigures> {
  await using cluster = await Cluster.start({ hosts: 3 })
  const [host, ...others] = cluster.hosts as [Host, Host, Host]
  const paths = fill(host, files)
  await settled(cluster)
  const few = paths.splice(0, files / 20)
  const fewS = await deleteFew({ host, others }, few)
  const before = await settled(cluster)

  const struck = disaster === 'deleted' ? paths.slice(0, Math.ceil(files * 0.6)) : paths
  for (const path of struck) strikeOne(host, path, disaster)
  await isHeld(host, disaster === 'encrypted' ? 'held-overwrites' : 'held-deletions', struck.length)
  const leftBefore = await lostBy({ host, others }, before)
  assert.equal(leftBefore, 0, `nothing leaves the host whose files were ${disaster}`)

  assert.equal((await host.cli('approve')).code, 0)
  for (const other of others)
    await isHeld(other, disaster === 'encrypted' ? 'held-changes' : 'held-removals', struck.length)
  assert.equal(await lostBy({ host, others }, before), 0, 'nor is it carried out where it is heard of')
  for (const other of others) assert.equal((await other.cli('approve')).code, 0)
  await settled(cluster)
  for (const other of others) assert.equal((await archiveOf(other)).length, struck.length + few.length)
  return { disaster, struck: struck.length, leftBefore, fewS }
}

function fill(host: Host, files: number): string[] {
  const paths = Array.from({ length: files }, (_, i) => `set-${Math.floor(i / FILES_IN_A_DIRECTORY)}/${i}.iso`)
  for (const path of paths) {
    mkdirSync(host.path(path, '..'), { recursive: true })
    drop(host, path, FILE_BYTES)
  }
  return paths
}

function strikeOne(host: Host, path: string, disaster: Disaster): void {
  const [full, locked] = [host.path(path), host.path(`${path}.locked`)]
  if (disaster === 'encrypted into new files') writeFileSync(locked, randomBytes(FILE_BYTES))
  else if (disaster !== 'deleted') writeFileSync(full, randomBytes(FILE_BYTES))
  if (disaster === 'encrypted and renamed') renameSync(full, locked)
  else if (disaster !== 'encrypted') rmSync(full)
}

async function isHeld(host: Host, kind: ProblemKind, count: number): Promise<void> {
  await until(`${host.home} holds ${count} files`, async () => {
    const held = /^\D*(\d+) of/.exec((await problemOf(host, null, kind))?.detail ?? '')?.[1]
    return Number(held) >= count // with directories that went with them
  })
}

/** What these hosts lack of `before`, once they have heard all that the host has to say. */
async function lostBy({ host, others }: Pool, before: readonly string[]): Promise<number> {
  const sign = `all-said-${randomBytes(4).toString('hex')}`
  drop(host, sign, 10) // records are told in their order
  for (const other of others) await until(`${sign} has arrived`, () => existsSync(other.path(sign)))
  return others.reduce((sum, other) => {
    const here = new Set(tree(other))
    return sum + before.filter((line) => !here.has(line)).length
  }, 0)
}

/** Deletes these files here; the seconds until all others have deleted them too. */
async function deleteFew({ host, others }: Pool, few: readonly string[]): Promise<number> {
  const fromMs = performance.now()
  for (const path of few) rmSync(host.path(path))
  for (const other of others)
    await until(`${other.home} has deleted a few`, () => few.every((path) => !existsSync(other.path(path))))
  return Math.round(performance.now() - fromMs) / 1000
}
