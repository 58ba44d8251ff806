/** One path: what stands there, and how it differs from what the index last saw. */
import { assertNever } from '../base/assert.ts'
import { type RelPath } from '../base/brand.ts'
import { type Entry, type Stat, statMatchesEntry } from '../sync/entry.ts'
import { linkTargetTrouble } from '../sync/path.ts'
import { type ScannerNeeds } from './scan-needs.ts'
import { badLink, linkOverDirectory, lookFailed, nameClash, unsupported } from './scan-problems.ts'
import { type Sighting } from './sighting.ts'

/** Names beside a path that clash with it; asked for new paths only. */
export type OthersThan = (path: RelPath) => Promise<readonly string[]>

/**
 * A difference, a problem, or null when the path is as it was. `stat` may be some time old: what differs from a known
 * entry is looked at once more, since it may be us who changed both since.
 */
export async function look(
  needs: ScannerNeeds,
  path: RelPath,
  stat: Stat,
  othersThan: OthersThan,
): Promise<Sighting | null> {
  const entry = needs.index.entry(path)
  if (entry === null || entry.kind === 'absent') {
    const other = await firstNotIgnored(needs, path, await othersThan(path))
    return other === null ? await sighting(needs, path, stat, entry) : nameClash(path, other)
  }
  if (statMatchesEntry(stat, entry) && stat.kind !== 'link') return null
  const now = await needs.root.stat(path)
  const known = needs.index.entry(path)
  if (now === null || (statMatchesEntry(now, known) && now.kind !== 'link')) return null
  if (now.kind === 'link' && known?.kind === 'directory' && holdsEntries(needs, path)) return linkOverDirectory(path)
  return await sighting(needs, path, now, known)
}

/** The same, where trouble with the disk is a problem too. */
export async function lookSafely(...look_: Parameters<typeof look>): Promise<Sighting | null> {
  try {
    return await look(...look_)
  } catch (error) {
    return lookFailed(look_[1], error)
  }
}

async function sighting(needs: ScannerNeeds, path: RelPath, stat: Stat, entry: Entry | null): Promise<Sighting | null> {
  switch (stat.kind) {
    case 'file':
    case 'directory':
      return { seen: stat.kind, path, stat, entry }
    case 'link':
      return linkSighting(path, stat, await needs.root.readLink(path), entry)
    case 'other':
      return unsupported(path)
    default:
      return assertNever(stat.kind)
  }
}

function linkSighting(path: RelPath, stat: Stat, target: string, entry: Entry | null): Sighting | null {
  if (entry?.kind === 'link' && entry.target === target) return null
  const trouble = linkTargetTrouble(path, target)
  return trouble === null ? { seen: 'link', path, stat, target, entry } : badLink(path, target, trouble)
}

function holdsEntries(needs: ScannerNeeds, dir: RelPath): boolean {
  for (const _ of needs.index.directoriesWithEntries(dir)) return true
  return false
}

async function firstNotIgnored(needs: ScannerNeeds, path: RelPath, names: readonly string[]): Promise<string | null> {
  const inDir = path.slice(0, path.lastIndexOf('/') + 1)
  for (const name of names) {
    const other = `${inDir}${name}` as RelPath
    if (!needs.ignored(other) && (await needs.root.stat(other)) !== null) return name
  }
  return null
}
