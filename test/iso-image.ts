/** Makes ISO 9660 images (ECMA-119) with one file each: real enough to mount, any size, written in chunks. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { randomFillSync } from 'node:crypto'

const SECTOR = 2048
/** System area (16), descriptor, terminator, two path tables, root directory. */
const DATA_SECTOR = 21
const CHUNK_BYTES = 1 << 20

export interface IsoOptions {
  /** Bytes of the one file in it. */
  readonly contentBytes: number
  readonly label?: string
  /** Fills each chunk of the content; random bytes if left out. */
  readonly fill?: (chunk: Buffer) => void
}

/** Writes the image and returns its length in bytes. */
export function writeIsoImage(path: string, options: IsoOptions): number {
  const dataSectors = Math.ceil(options.contentBytes / SECTOR)
  const fd = openSync(path, 'w')
  try {
    writeSync(fd, imageHead(options))
    const chunk = Buffer.alloc(CHUNK_BYTES)
    const fill = options.fill ?? ((b) => randomFillSync(b))
    for (let left = dataSectors * SECTOR; left > 0; left -= CHUNK_BYTES) {
      fill(chunk)
      writeSync(fd, chunk.subarray(0, Math.min(left, CHUNK_BYTES)))
    }
  } finally {
    closeSync(fd)
  }
  return (DATA_SECTOR + dataSectors) * SECTOR
}

/** All of an image but its content: alone it is an upload that has stalled. */
export function imageHead(options: IsoOptions): Buffer {
  const head = Buffer.alloc(DATA_SECTOR * SECTOR)
  const volumeSectors = DATA_SECTOR + Math.ceil(options.contentBytes / SECTOR)
  primaryDescriptor(options.label ?? 'ISOSYNCD', volumeSectors).copy(head, 16 * SECTOR)
  Buffer.from([255, ...Buffer.from('CD001'), 1]).copy(head, 17 * SECTOR)
  pathTable('LE').copy(head, 18 * SECTOR)
  pathTable('BE').copy(head, 19 * SECTOR)
  const entries = [
    directoryRecord('\x00', 20, SECTOR, true),
    directoryRecord('\x01', 20, SECTOR, true),
    directoryRecord('CONTENT.BIN;1', DATA_SECTOR, options.contentBytes, false),
  ]
  Buffer.concat(entries).copy(head, 20 * SECTOR)
  return head
}

function primaryDescriptor(label: string, volumeSectors: number): Buffer {
  const d = Buffer.alloc(SECTOR)
  d.set([1, ...Buffer.from('CD001'), 1])
  d.fill(' ', 8, 72)
  d.write(label.padEnd(32), 40, 'latin1')
  both32(d, 80, volumeSectors)
  both16(d, 120, 1)
  both16(d, 124, 1)
  both16(d, 128, SECTOR)
  both32(d, 132, 10)
  d.writeUInt32LE(18, 140)
  d.writeUInt32BE(19, 148)
  directoryRecord('\x00', 20, SECTOR, true).copy(d, 156)
  d.fill(' ', 190, 813)
  for (const at of [813, 830, 847, 864]) d.write('0'.repeat(16), at, 'latin1')
  d[881] = 1
  return d
}

function directoryRecord(name: string, sector: number, bytes: number, isDirectory: boolean): Buffer {
  const length = 33 + name.length + (name.length % 2 === 0 ? 1 : 0)
  const r = Buffer.alloc(length)
  r[0] = length
  both32(r, 2, sector)
  both32(r, 10, Math.min(bytes, 0xffffffff))
  r.set([126, 1, 1, 0, 0, 0, 0], 18)
  r[25] = isDirectory ? 2 : 0
  both16(r, 28, 1)
  r[32] = name.length
  r.write(name, 33, 'latin1')
  return r
}

function pathTable(order: 'LE' | 'BE'): Buffer {
  const t = Buffer.alloc(10)
  t[0] = 1
  if (order === 'LE') t.writeUInt32LE(20, 2)
  else t.writeUInt32BE(20, 2)
  if (order === 'LE') t.writeUInt16LE(1, 6)
  else t.writeUInt16BE(1, 6)
  return t
}

function both32(b: Buffer, at: number, value: number): void {
  b.writeUInt32LE(value, at)
  b.writeUInt32BE(value, at + 4)
}

function both16(b: Buffer, at: number, value: number): void {
  b.writeUInt16LE(value, at)
  b.writeUInt16BE(value, at + 2)
}
