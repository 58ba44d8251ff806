import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { IMAGE_HEAD_BYTES, imageLengthTrouble, PADDING_BYTES } from '../../src/sync/iso9660.ts'

const SECTOR = 2048
const BLOCK = 512

interface Image {
  /** Sectors of the volume. */
  readonly volume: number
  /** [type, first block, blocks] */
  readonly mbr?: readonly (readonly [number, number, number])[]
  /** The block of the backup header. */
  readonly gpt?: number
  /** Sectors: start and length of UDF's partition. */
  readonly udf?: readonly [number, number]
}

/** The beginning of an image, as far as its length is written there. */
function headOf({ volume, mbr, gpt, udf }: Image): Uint8Array {
  const head = new Uint8Array(IMAGE_HEAD_BYTES)
  const view = new DataView(head.buffer)
  const ids = ['CD001', 'CD001', 'CD001', ...(udf ? ['BEA01', 'NSR02', 'TEA01'] : [])]
  ids.forEach((id, i) => head.set(Buffer.from(id), (16 + i) * SECTOR + 1))
  const types = [1, 2, 255]
  types.forEach((type, i) => (head[(16 + i) * SECTOR] = type))
  writePrimary(new DataView(head.buffer, 16 * SECTOR), volume)
  if (mbr) writeMbr(view, mbr)
  if (gpt !== undefined) writeGpt(view, gpt)
  if (udf) writeUdf(new DataView(head.buffer, 34 * SECTOR), udf)
  return head
}

function writePrimary(sector: DataView, blocks: number, blockBytes = SECTOR): void {
  sector.setUint32(80, blocks, true)
  sector.setUint32(84, blocks, false)
  sector.setUint16(128, blockBytes, true)
  sector.setUint16(130, blockBytes, false)
}

function writeMbr(view: DataView, entries: NonNullable<Image['mbr']>): void {
  view.setUint16(510, 0xaa55, true)
  entries.forEach(([type, first, blocks], i) => {
    const at = 446 + 16 * i
    view.setUint8(at, i === 0 ? 0x80 : 0)
    view.setUint8(at + 4, type)
    view.setUint32(at + 8, first, true)
    view.setUint32(at + 12, blocks, true)
  })
}

function writeGpt(view: DataView, backup: number): void {
  new Uint8Array(view.buffer).set(Buffer.from('EFI PART'), BLOCK)
  view.setBigUint64(BLOCK + 32, BigInt(backup), true)
}

function writeUdf(sector: DataView, [start, length]: readonly [number, number]): void {
  sector.setUint16(0, 5, true)
  sector.setUint32(12, 34, true)
  sector.setUint32(188, start, true)
  sector.setUint32(192, length, true)
  let sum = 0
  for (let i = 0; i < 16; i++) sum += sector.getUint8(i)
  sector.setUint8(4, sum % 256)
}

/** Real images, as measured: Debian 12 packages, and what its genisoimage 1.1.11 and xorriso 1.5.4 write. */
const real: { name: string; size: number; image: Image }[] = [
  { name: 'grub-rescue-pc: partition to the end', size: 5_081_088, image: { volume: 2481, mbr: [[0xcd, 1, 9923]] } },
  { name: 'ipxe: padded to 2 MiB', size: 2_097_152, image: { volume: 845, mbr: [[0x17, 0, 4096]] } },
  {
    name: 'memtest86+: EFI partition of 4 MiB behind the filesystem, then 300 KiB of padding',
    size: 6_193_152,
    image: {
      volume: 826,
      mbr: [
        [0, 0, 3304],
        [0xef, 3304, 8192],
      ],
    },
  },
  { name: 'genisoimage -pad', size: 4_075_520, image: { volume: 1990 } },
  { name: 'genisoimage -no-pad', size: 3_753_984, image: { volume: 1833 } },
  { name: 'genisoimage -udf', size: 4_579_328, image: { volume: 2236, udf: [257, 1829] } },
  {
    name: 'xorriso with an appended partition in a GPT',
    size: 5_109_760,
    image: { volume: 1840, mbr: [[0xee, 1, 9979]], gpt: 9979 },
  },
  {
    name: 'xorriso with an appended partition in an MBR',
    size: 5_076_992,
    image: {
      volume: 1840,
      mbr: [
        [0x83, 0, 7360],
        [0xef, 7360, 1956],
      ],
    },
  },
]
for (const { name, size, image } of real) {
  test(`${name}: whole it is right, half of it is not`, () => {
    const head = headOf(image)
    assert.equal(imageLengthTrouble(head, size), null)
    const half = Math.floor(size / 2)
    assert.match(imageLengthTrouble(head, half) ?? 'no trouble', new RegExp(`it has ${half} bytes, but`))
  })
}

const plain: Image = { volume: 1000 }
const whole = 1000 * SECTOR
const behind = {
  ...plain,
  mbr: [
    [0, 0, 4000],
    [0xef, 4000, 4000],
  ],
} as const
const partition = 8000 * BLOCK
const gpt = { ...plain, mbr: [[0xee, 1, 0xffffffff]], gpt: 7999 } as const
const stub: Image = { volume: 30, udf: [257, 100_000] }
const udfEnd = 100_257 * SECTOR

const cases: [string, Image, number, RegExp | null][] = [
  ['as long as it says', plain, whole, null],
  ['one byte short', plain, whole - 1, /says of itself that it is an image of 2048000/],
  ['only its head is there', plain, IMAGE_HEAD_BYTES, /an image of 2048000/],
  ['with all the padding', plain, whole + PADDING_BYTES, null],
  ['one byte more than padding', plain, whole + PADDING_BYTES + 1, /an image of only 2048000/],
  ['padded to a full MiB', plain, 3 * 2 ** 20, null],
  ['padded by more than a MiB', plain, 4 * 2 ** 20, /only/],
  ['twice as long', plain, 2 * whole + 1, /only/],
  ['over 4 GiB', { volume: 2 ** 22 }, 2 ** 33, null],
  ['over 4 GiB, one sector short', { volume: 2 ** 22 }, 2 ** 33 - SECTOR, /8589934592/],
  ['its MBR partition is there', behind, partition, null],
  ['its MBR partition is cut', behind, whole, /partitions reach to 4096000/],
  ['longer than its MBR partition', behind, 2 * partition + 1, /only 4096000/],
  ['its GPT is there', gpt, partition, null],
  ['its GPT is cut; the protective partition of all blocks does not count', gpt, whole, /partitions reach to 4096000/],
  ['longer than its GPT', gpt, 2 * partition + 1, /only 4096000/],
  ['a stub for old systems before a UDF partition', stub, udfEnd, null],
  ['anything behind a UDF partition', stub, 2 * udfEnd, null],
  ['a UDF partition that is cut', stub, udfEnd / 2, /partitions reach to 205326336/],
]
for (const [name, image, size, trouble] of cases) {
  test(`an image ${name}: ${trouble ? 'held' : 'right'}`, () => {
    const found = imageLengthTrouble(headOf(image), size)
    if (trouble === null) assert.equal(found, null)
    else assert.match(found ?? 'no trouble', trouble)
  })
}

test('boot code of another kind that ends in 55 AA is no partition table', () => {
  const head = headOf({ ...plain, mbr: [[0x83, 0, 0xfffffff]] })
  head[446 + 32] = 0x31
  assert.equal(imageLengthTrouble(head, whole), null)
})

test('a logical block may be smaller than a sector', () => {
  const head = headOf(plain)
  writePrimary(new DataView(head.buffer, 16 * SECTOR), 4000, 512)
  assert.equal(imageLengthTrouble(head, whole), null)
  assert.notEqual(imageLengthTrouble(head, whole - 1), null)
})

test('what is no image, or contradicts itself, is not judged', () => {
  const contradicting = headOf(plain)
  contradicting[16 * SECTOR + 84] = 9
  const noPrimary = headOf(plain)
  noPrimary[16 * SECTOR] = 0
  for (const head of [
    new Uint8Array(0),
    new Uint8Array(100),
    new Uint8Array(IMAGE_HEAD_BYTES),
    contradicting,
    noPrimary,
  ]) {
    assert.equal(imageLengthTrouble(head, 10), null)
  }
})

test('the head may be a view into a larger buffer', () => {
  const head = headOf(plain)
  const buffer = Buffer.alloc(head.length + 100)
  buffer.set(head, 77)
  assert.notEqual(imageLengthTrouble(buffer.subarray(77, 77 + head.length), whole - 1), null)
})

test('no bytes make it throw, however short the file is', () => {
  const spoilt = fc.record({
    image: fc.constantFrom<Image>(plain, behind, gpt, stub),
    writes: fc.array(fc.tuple(fc.nat(40 * SECTOR), fc.nat(255)), { maxLength: 20 }),
    length: fc.oneof(fc.nat(IMAGE_HEAD_BYTES), fc.nat(2 * BLOCK)),
  })
  fc.assert(
    fc.property(spoilt, ({ image, writes, length }) => {
      const head = headOf(image)
      for (const [at, byte] of writes) head[at] = byte
      imageLengthTrouble(head.subarray(0, length), length)
    }),
  )
})
