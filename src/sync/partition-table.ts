/**
 * Partition tables of hybrid images, which boot from a disc and from a USB stick alike: where do their partitions end?
 * Reads what a PC reads: the MBR, and the GPT where there is one.
 */

/** Partition tables of images count in these, whatever the image's own sectors are. */
const BLOCK_BYTES = 512
const MBR_TABLE = 446
const MBR_ENTRY_BYTES = 16
/** Stands for the whole disk of a GPT; its length is often given as 2³² - 1 blocks. */
const PROTECTIVE = 0xee
/** UEFI, 5.3: 'EFI PART', little-endian. */
const GPT_SIGNATURE = 0x5452415020494645n

/** The ends in bytes of all partitions of an MBR, and of a disk with a GPT; empty without a believable table. */
export function partitionEnds(head: Uint8Array): readonly number[] {
  if (head.byteLength < 2 * BLOCK_BYTES) return []
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  return [...mbrEnds(view), ...gptEnds(view)]
}

function mbrEnds(view: DataView): number[] {
  const entries = [0, 1, 2, 3].map((i) => MBR_TABLE + i * MBR_ENTRY_BYTES)
  // Boot code of another kind may end in the same 55 AA; in a table each entry is active (0x80) or not (0).
  const isTable = view.getUint16(510, true) === 0xaa55 && entries.every((at) => view.getUint8(at) % 0x80 === 0)
  if (!isTable) return []
  return entries.flatMap((at) => {
    const blocks = view.getUint32(at + 12, true)
    if (blocks === 0 || view.getUint8(at + 4) === PROTECTIVE) return []
    return [(view.getUint32(at + 8, true) + blocks) * BLOCK_BYTES]
  })
}

/** The GPT's own copy lies in the last block of the disk, behind all partitions (UEFI, 5.3.2: AlternateLBA). */
function gptEnds(view: DataView): number[] {
  if (view.getBigUint64(BLOCK_BYTES, true) !== GPT_SIGNATURE) return []
  return [(Number(view.getBigUint64(BLOCK_BYTES + 32, true)) + 1) * BLOCK_BYTES]
}
