/** Open files to hash: real ones with a descriptor, and ones that live in memory. */
import { randomFillSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext } from 'node:test'
import { type OpenFile } from '../../src/fs/root.ts'
import { nextCut } from '../../src/sync/cut.ts'
import { blake3 } from '../../src/base/blake3.ts'
import { type PieceList, PieceListBuilder } from '../../src/sync/piece-list.ts'

/** Random bytes with a run of zeros and a last piece that ends inside a sector. */
export function someImage(bytes: number): Buffer {
  const image = randomFillSync(Buffer.alloc(bytes))
  return image.fill(0, bytes >> 2, bytes >> 1)
}

/** The list of a content, made in the plainest way. */
export function listOf(content: Uint8Array): PieceList {
  const list = new PieceListBuilder()
  for (let from = 0; from < content.length;) {
    const end = nextCut(content, from, content.length, true)
    list.add(blake3(content.subarray(from, end)), end - from)
    from = end
  }
  return list.build()
}

/** A file on disk that is removed with the test. `sparseTo` makes it longer by a hole. */
export async function diskFile(t: TestContext, content: Uint8Array, sparseTo = content.length): Promise<OpenFile> {
  const directory = mkdtempSync(join(tmpdir(), 'isosyncd-test-'))
  const handle = await open(join(directory, 'image.iso'), 'w+')
  t.after(async () => {
    await handle.close()
    rmSync(directory, { recursive: true })
  })
  await handle.writeFile(content)
  await handle.truncate(sparseTo)
  const read = async (into: Uint8Array, position: number) =>
    (await handle.read(into, 0, into.byteLength, position)).bytesRead
  return { fd: handle.fd, stat, read, close: async () => {} }
}

/** A file in memory. */
export function memoryFile(content: Uint8Array): OpenFile {
  const read = async (into: Uint8Array, position: number) => {
    const bytes = content.subarray(position, position + into.byteLength)
    into.set(bytes)
    return bytes.byteLength
  }
  return { fd: null, stat, read, close: async () => {} }
}

function stat(): never {
  throw new Error('a hasher does not stat')
}
