/** Blocks that two files share: ioctl(FICLONERANGE), on XFS and btrfs (man 2 ioctl_ficlonerange). Variadic: see native.ts. */
import { constants } from 'node:os'
import { declare, lastErrno } from './native-library.ts'

const { errno: E } = constants

const ioctl3 = declare('int ioctl(int fd, unsigned long request, const void *argument)')
/** _IOW(0x94, 13, struct file_clone_range), the same number on x86-64 and arm64. */
const FICLONERANGE = 0x4020940d
/** What every filesystem that can share has in common; one with larger blocks refuses, and all is copied. */
export const CLONE_BLOCK_BYTES = 4096

/** Whether the filesystem of this file can share blocks at all. Without koffi: no. */
export function canClone(fd: number): boolean {
  const call = ioctl3()
  if (call === null) return false
  // A file with itself is refused where sharing works, as senseless; where it does not, as unsupported.
  return call(fd, FICLONERANGE, rangeOf(fd, 0, 0, CLONE_BLOCK_BYTES)) === 0 || lastErrno() === E.EINVAL
}

/**
 * Lets `length` bytes at `to` of an open file be those at `from` of another: nothing is copied until one of them
 * changes. All three are multiples of CLONE_BLOCK_BYTES. On a thread: what is not on the disk yet of the other file is
 * written first. False where it cannot be done, for whatever reason: then the bytes are copied, and tell the reason.
 */
export function cloneRange(fd: number, sourceFd: number, from: number, to: number, length: number): Promise<boolean> {
  const call = ioctl3()
  if (call === null) return Promise.resolve(false)
  const range = rangeOf(sourceFd, from, to, length)
  return new Promise((resolve) => {
    try {
      call.async(fd, FICLONERANGE, range, (error, result) => resolve(error === null && result === 0))
    } catch {
      resolve(call(fd, FICLONERANGE, range) === 0) // koffi lends 256 of its threads' calls at a time
    }
  })
}

/** struct file_clone_range: source descriptor, source offset, length, own offset, 64 bit each. */
function rangeOf(sourceFd: number, from: number, to: number, length: number): Buffer {
  const range = Buffer.alloc(32)
  for (const [i, value] of [sourceFd, from, length, to].entries()) range.writeBigUInt64LE(BigInt(value), i * 8)
  return range
}
