/** A root on disk, an index, and someone who takes up what the scanner tells: enough of a host to test scanning. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import { type FolderIndex } from '../../src/db/index-port.ts'
import { openIndexDatabase } from '../../src/db/open.ts'
import { openDiskRoot } from '../../src/fs/disk-root.ts'
import { type Root } from '../../src/fs/root.ts'
import { compileIgnoreList } from '../../src/scan/ignore-list.ts'
import { createScanner } from '../../src/scan/scanner.ts'
import { type Sighting } from '../../src/scan/sighting.ts'
import { type Entry } from '../../src/sync/entry.ts'
import { folderNamed, path, rootNamed, versionOf } from '../db/index-samples.ts'

const ANY = { owner: null, group: null, fileMode: null, dirMode: null, minFreeBytes: 0 }
const version = versionOf('a', 1)

export class ScanBench {
  readonly dir = mkdtempSync(join(tmpdir(), 'isosyncd-scan-'))
  readonly root: Root = openDiskRoot({ dir: this.dir, ...ANY })
  readonly index: FolderIndex = openIndexDatabase(':memory:').folder(folderNamed('f'))
  ignoreList = ''

  /** Files are 'path', directories 'path/', links 'path -> target'. */
  make(...things: readonly string[]): void {
    for (const thing of things) {
      const [at = '', target] = thing.split(' -> ')
      mkdirSync(join(this.dir, thing.endsWith('/') ? at : dirname(at)), { recursive: true })
      if (target !== undefined) symlinkSync(target, join(this.dir, at))
      else if (!thing.endsWith('/')) writeFileSync(join(this.dir, at), `content of ${at}`)
    }
  }

  remove(...paths: readonly string[]): void {
    for (const at of paths) rmSync(join(this.dir, at), { recursive: true })
  }

  /** What a scan of everything tells, with some calls of the root replaced. */
  scanAll(instead: Partial<Root> = {}): Promise<Sighting[]> {
    return collect(this.#scanner(instead).scanAll(new AbortController().signal))
  }

  scanPath(at: string, instead: Partial<Root> = {}): Promise<Sighting[]> {
    return collect(this.#scanner(instead).scanPath(path(at), new AbortController().signal))
  }

  /** Makes entries of what was told, as the engine does. */
  takeUp(sightings: readonly Sighting[]): void {
    this.index.commit(sightings.flatMap(entryOf).map((entry) => ({ op: 'entry', entry })))
  }

  async takeUpAll(): Promise<void> {
    this.takeUp(await this.scanAll())
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }

  #scanner(instead: Partial<Root>): ReturnType<typeof createScanner> {
    const { root } = this
    const { ignored } = compileIgnoreList(this.ignoreList)
    const verbs = {
      list: instead.list ?? ((at) => root.list(at)),
      stat: instead.stat ?? ((at) => root.stat(at)),
      readLink: instead.readLink ?? ((at) => root.readLink(at)),
    } satisfies Partial<Root>
    return createScanner({ root: verbs, index: this.index, ignored, clock: systemClock })
  }
}

export async function collect(sightings: AsyncIterable<Sighting>): Promise<Sighting[]> {
  const all: Sighting[] = []
  for await (const sighting of sightings) all.push(sighting)
  return all
}

/** Sightings in short: 'file a', 'missing b', 'link c -> d', 'problem unreadable e'. */
export function told(sightings: readonly Sighting[]): string[] {
  return sightings.map((sighting) => {
    if (sighting.seen === 'problem') return `problem ${sighting.problem.kind} ${sighting.problem.path}`
    return `${sighting.seen} ${sighting.path}${sighting.seen === 'link' ? ` -> ${sighting.target}` : ''}`
  })
}

export function entryOf(sighting: Sighting): Entry[] {
  switch (sighting.seen) {
    case 'file': {
      const { size, mtimeUs, ctimeUs, inode } = sighting.stat
      return [
        { kind: 'file', path: sighting.path, version, size, mtimeUs, ctimeUs, inode, root: rootNamed(sighting.path) },
      ]
    }
    case 'directory':
      return [{ kind: 'directory', path: sighting.path, version }]
    case 'link':
      return [{ kind: 'link', path: sighting.path, version, target: sighting.target }]
    case 'missing':
      return [{ kind: 'absent', path: sighting.path, version }]
    case 'problem':
      return []
  }
}
