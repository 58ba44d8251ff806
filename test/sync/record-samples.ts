/** Records and entries for the tables of test/sync: short to write, every field open to change. */
import fc from 'fast-check'
import { fromHex, type RelPath, type ReplicaId, type RootHash } from '../../src/base/brand.ts'
import { type Entry } from '../../src/sync/entry.ts'
import { parsePath } from '../../src/sync/path.ts'
import { type RecordBody, type SignedRecord } from '../../src/sync/record.ts'
import { type Version } from '../../src/sync/version.ts'

export function path(text: string): RelPath {
  const parsed = parsePath(text)
  if (parsed === null) throw new Error(`${text} is no path`)
  return parsed
}

/** Replicas a < b < c ... */
export const replica = (letter: string): ReplicaId => fromHex<ReplicaId>(letter.repeat(16))
/** Root hashes of contents '0' to 'f'. */
export const root = (digit: string): RootHash => fromHex<RootHash>(digit.repeat(64))

/** 'a1 b2' is the version in which replica a counts 1 and b counts 2. */
export function version(text: string): Version {
  const pairs = text.split(' ').filter((pair) => pair !== '')
  return pairs.map((pair) => [replica(pair.slice(0, 1)), Number(pair.slice(1))] as const)
}

type Extra = Partial<Omit<RecordBody, 'kind'>>
type FileExtra = Extra & { size?: number; mtimeUs?: number }

/** Its author is the last replica of its version. */
function common(text: string) {
  const vector = version(text)
  const author = vector.at(-1)?.[0] ?? replica('a')
  return {
    path: path('debian.iso'),
    version: vector,
    author,
    previous: null,
    earlier: [],
    orderUs: 0,
    signature: new Uint8Array(64),
  }
}

export function file(versionText: string, content: string, extra: FileExtra = {}): SignedRecord & { kind: 'file' } {
  return { ...common(versionText), kind: 'file', size: 1, mtimeUs: 0, root: root(content), ...extra }
}
export function tombstone(versionText: string, extra: Extra = {}): SignedRecord & { kind: 'tombstone' } {
  return { ...common(versionText), kind: 'tombstone', ...extra }
}
export function directory(versionText: string, extra: Extra = {}): SignedRecord & { kind: 'directory' } {
  return { ...common(versionText), kind: 'directory', ...extra }
}
export function link(versionText: string, target: string, extra: Extra = {}): SignedRecord & { kind: 'link' } {
  return { ...common(versionText), kind: 'link', target, ...extra }
}

/** The entry of a host that has carried out this record alone. */
export function entryOf(record: SignedRecord): Entry {
  const { path, version } = record
  switch (record.kind) {
    case 'file':
      return {
        path,
        version,
        kind: 'file',
        size: record.size,
        mtimeUs: record.mtimeUs,
        root: record.root,
        ctimeUs: 0,
        inode: 1,
      }
    case 'link':
      return { path, version, kind: 'link', target: record.target }
    case 'directory':
      return { path, version, kind: 'directory' }
    case 'tombstone':
      return { path, version, kind: 'absent' }
  }
}

/** All orders of a few things. */
export function permutations<T>(things: readonly T[]): T[][] {
  if (things.length < 2) return [[...things]]
  return things.flatMap((first, i) => permutations(things.toSpliced(i, 1)).map((rest) => [first, ...rest]))
}

/** Small ranges, so that equal, dominated and concurrent ones, chains and rings all come up. */
const few = { max: 3 }
export const anyRecord: fc.Arbitrary<SignedRecord> = fc
  .record({
    kind: fc.constantFrom('file', 'file', 'tombstone', 'directory', 'link'),
    counters: fc.array(fc.nat(few), { minLength: 3, maxLength: 3 }).filter((counts) => counts.some((n) => n > 0)),
    content: fc.constantFrom('1', '2', '3'),
    previous: fc.constantFrom(null, root('1'), root('2'), root('3')),
    earlier: fc.subarray([root('1'), root('2'), root('3')]),
    orderUs: fc.nat(few),
    signature: fc.constantFrom(new Uint8Array([1]), new Uint8Array([2])),
  })
  .map(({ kind, counters, content, ...rest }) => {
    const text = counters.flatMap((n, i) => (n === 0 ? [] : [`${'abc'[i]}${n}`])).join(' ')
    if (kind === 'file') return { ...file(text, content), ...rest }
    if (kind === 'link') return { ...link(text, content), ...rest }
    return { ...(kind === 'directory' ? directory(text) : tombstone(text)), ...rest }
  })
