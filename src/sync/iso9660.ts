/**
 * Is an ISO 9660 image all there? It says itself how long it is (ECMA-119, 8.4: the primary volume descriptor in
 * sector 16), and an upload that stalled is shorter than that.
 *
 * What real images taught:
 * - None is shorter than its descriptor says (Debian's memtest86+, ipxe, grub-rescue; genisoimage and xorriso with
 *   every kind of padding; isolyzer, which checks archives of images, says the same): one sector missing is enough.
 * - Many are longer. Hybrid images have partitions behind the filesystem (memtest86+ has 4.5 MB there, its EFI system
 *   partition), and pad to a megabyte: a partition table that reaches to the end explains that, and says for its part
 *   how much must be there. Images with UDF beside ISO 9660 (Windows, video) may give a descriptor that covers only the
 *   stub that old systems see: there UDF's partition must fit in, and any length beyond is fine.
 */
import { partitionEnds } from './partition-table.ts'

const SECTOR_BYTES = 2048
const FIRST_DESCRIPTOR = 16 * SECTOR_BYTES
const PRIMARY = 1
const TERMINATOR = 255
/** ECMA-167, 3/10.5. */
const UDF_PARTITION_DESCRIPTOR = 5
/** mkisofs and xorriso append 150 sectors, for drives that read ahead. */
export const PADDING_BYTES = 300 * 1024
/** isohybrid and others pad the file to a cylinder of this size (ipxe: 358 KiB behind the filesystem). */
const CYLINDER_BYTES = 1024 * 1024
/**
 * How much of a file's beginning a caller must read: partition tables in the first 32 KiB, ISO 9660 descriptors
 * after them, and UDF's descriptors, usually at sector 32, with their copy at sector 48.
 */
export const IMAGE_HEAD_BYTES = 128 * 1024
/** Up to its first descriptor: what is shorter says nothing of itself. */
export const LEAST_IMAGE_BYTES = FIRST_DESCRIPTOR + SECTOR_BYTES

/**
 * Null when a file of `size` bytes that begins with `head` (its first IMAGE_HEAD_BYTES, or all if it is shorter) is no
 * ISO 9660 image or is as long as it says; else what is wrong with its length, such as 'it has 1000 bytes, but ...'.
 */
export function imageLengthTrouble(head: Uint8Array, size: number): string | null {
  const volume = volumeBytes(head)
  if (volume === null) return null
  if (size < volume) return `it has ${size} bytes, but says of itself that it is an image of ${volume} bytes`
  const udf = udfPartitionEnd(head)
  const ends = [...partitionEnds(head), ...(udf === null ? [] : [udf])]
  const needed = Math.max(volume, ...ends)
  if (size + PADDING_BYTES < needed) return `it has ${size} bytes, but its partitions reach to ${needed} bytes`
  if (size <= needed + mostPadding(size) || hasUdf(head)) return null
  return `it has ${size} bytes, but says of itself that it is an image of only ${needed} bytes`
}

function mostPadding(size: number): number {
  return size % CYLINDER_BYTES === 0 ? PADDING_BYTES + CYLINDER_BYTES : PADDING_BYTES
}

/** Bytes of the volume; null without a believable descriptor (both byte orders must agree). */
function volumeBytes(head: Uint8Array): number | null {
  for (const sector of descriptors(head)) {
    if (sector.getUint8(0) === TERMINATOR) return null
    if (sector.getUint8(0) !== PRIMARY || identifier(sector) !== 'CD001') continue
    const blocks = sector.getUint32(80, true)
    const blockBytes = sector.getUint16(128, true)
    const agree = blocks === sector.getUint32(84, false) && blockBytes === sector.getUint16(130, false)
    return agree ? blocks * blockBytes : null
  }
  return null
}

/** The UDF volume recognition sequence follows the ISO 9660 descriptors (ECMA-167, 2/8.3). */
function hasUdf(head: Uint8Array): boolean {
  return [...descriptors(head)].some((sector) => /^NSR0[23]$/.test(identifier(sector)))
}

/** The sectors from 16 on as long as they hold volume descriptors of ISO 9660 or UDF. */
function* descriptors(head: Uint8Array): Iterable<DataView> {
  for (let at = FIRST_DESCRIPTOR; at + SECTOR_BYTES <= head.byteLength; at += SECTOR_BYTES) {
    const sector = sectorAt(head, at)
    if (!/^(CD001|BEA01|NSR0[23]|BOOT2|TEA01)$/.test(identifier(sector))) return
    yield sector
  }
}

function identifier(sector: DataView): string {
  return String.fromCharCode(...[1, 2, 3, 4, 5].map((i) => sector.getUint8(i)))
}

/** The end of UDF's partition in bytes, by its partition descriptor (ECMA-167, 3/10.5); null if that is not in `head`. */
function udfPartitionEnd(head: Uint8Array): number | null {
  for (let at = FIRST_DESCRIPTOR; at + SECTOR_BYTES <= head.byteLength; at += SECTOR_BYTES) {
    const sector = sectorAt(head, at)
    if (sector.getUint16(0, true) !== UDF_PARTITION_DESCRIPTOR || !isUdfTag(sector, at / SECTOR_BYTES)) continue
    return (sector.getUint32(188, true) + sector.getUint32(192, true)) * SECTOR_BYTES
  }
  return null
}

/** A descriptor tag knows its own place and has a checksum over its other 15 bytes (ECMA-167, 3/7.2). */
function isUdfTag(sector: DataView, ordinal: number): boolean {
  let sum = 0
  for (let i = 0; i < 16; i++) if (i !== 4) sum += sector.getUint8(i)
  return sector.getUint8(4) === sum % 256 && sector.getUint32(12, true) === ordinal
}

function sectorAt(head: Uint8Array, at: number): DataView {
  return new DataView(head.buffer, head.byteOffset + at, SECTOR_BYTES)
}
