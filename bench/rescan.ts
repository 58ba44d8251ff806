/**
 * How long a rescan of unchanged files takes: `node bench/rescan.ts [files] [files per directory]`. Real files, a real
 * index on disk; prints one JSON line.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromHex } from '../src/base/brand.ts'
import { systemClock } from '../src/base/clock.ts'
import { type Change, type FolderIndex } from '../src/db/index-port.ts'
import { openIndexDatabase } from '../src/db/open.ts'
import { openDiskRoot } from '../src/fs/disk-root.ts'
import { defaultIgnoreList } from '../src/scan/default-ignore-list.ts'
import { compileIgnoreList } from '../src/scan/ignore-list.ts'
import { createScanner, type Scanner } from '../src/scan/scanner.ts'
import { type Sighting } from '../src/scan/sighting.ts'

const RUNS = 3
const ROOT_HASH = fromHex<never>('ab'.repeat(32))

const files = Number(process.argv[2] ?? 100_000)
const perDirectory = Number(process.argv[3] ?? 1_000)
const dir = mkdtempSync(join(tmpdir(), 'isosyncd-rescan-'))
try {
  console.log(JSON.stringify(await measure()))
} finally {
  rmSync(dir, { recursive: true })
}

async function measure(): Promise<object> {
  makeFiles(join(dir, 'pool'))
  const database = openIndexDatabase(join(dir, 'index.db'))
  const index = database.folder(fromHex('00'.repeat(16)))
  const scanner = scannerOf(index)
  const first = await timed(scanner, (sightings) => index.commit(sightings.flatMap(changeOf)))
  const rescans: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const { seconds, told } = await timed(scanner, () => {})
    if (told > 0) throw new Error(`${told} differences where there are none`)
    rescans.push(seconds)
  }
  const result = {
    bench: 'rescan',
    files,
    perDirectory,
    firstScanSeconds: round(first.seconds),
    rescanSeconds: round(Math.min(...rescans)),
    filesPerSecond: Math.round(files / Math.min(...rescans)),
    indexBytesPerFile: Math.round(database.bytes() / files),
    residentMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
  }
  database.close()
  return result
}

function makeFiles(pool: string): void {
  for (let i = 0; i < files; i++) {
    const sub = join(pool, `d${Math.floor(i / perDirectory)}`)
    if (i % perDirectory === 0) mkdirSync(sub, { recursive: true })
    writeFileSync(join(sub, `debian-12.${i}-amd64-netinst.iso`), 'x')
  }
}

function scannerOf(index: FolderIndex): Scanner {
  const anyone = { owner: null, group: null, fileMode: null, dirMode: null, minFreeBytes: 0 }
  const root = openDiskRoot({ dir: join(dir, 'pool'), ...anyone })
  const { ignored } = compileIgnoreList(defaultIgnoreList)
  return createScanner({ root, index, ignored, clock: systemClock })
}

async function timed(
  scanner: Scanner,
  take: (sightings: readonly Sighting[]) => void,
): Promise<{ seconds: number; told: number }> {
  const scan = scanner.scanAll(new AbortController().signal)
  let told = 0
  const batch: Sighting[] = []
  for await (const sighting of scan) {
    told++
    batch.push(sighting)
    if (batch.length === 1_000) take(batch.splice(0))
  }
  if (batch.length > 0) take(batch)
  return { seconds: scan.seconds(), told }
}

function changeOf(sighting: Sighting): Change[] {
  if (sighting.seen === 'directory') {
    return [{ op: 'entry', entry: { kind: 'directory', path: sighting.path, version: [] } }]
  }
  if (sighting.seen !== 'file') return []
  const { size, mtimeUs, ctimeUs, inode } = sighting.stat
  const { path } = sighting
  return [{ op: 'entry', entry: { kind: 'file', path, version: [], size, mtimeUs, ctimeUs, inode, root: ROOT_HASH } }]
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}
