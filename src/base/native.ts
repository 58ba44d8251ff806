/**
 * System calls that Node has not got. Each is safe without koffi: it then does the next best thing or says so.
 *
 * `fcntl` and `syscall` are variadic in C and declared here with fixed arguments: on Linux x86-64 and arm64 integer
 * arguments of both kinds travel in the same registers (System V ABI 3.5.7, AAPCS64 "variadic"; Apple's differs).
 */
import { futimesSync, readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { declare, lastErrno, type NativeFunction, systemError } from './native-library.ts'

const { errno: E } = constants

const syscall3 = declare('long syscall(long number, long a, long b, long c)')
const fcntl3 = declare('int fcntl(int fd, int command, int value)')
const flock2 = declare('int flock(int fd, int operation)')
const fallocate4 = declare('int fallocate(int fd, int mode, int64_t offset, int64_t length)')
const fadvise4 = declare('int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)')
const syncfs1 = declare('int syncfs(int fd)')
const futimens2 = declare('int futimens(int fd, const void *times)')
const renameat2 = declare('int renameat2(int fromDir, const char *from, int toDir, const char *to, unsigned int flags)')

/** ioprio_set(2) has no wrapper in the C library: its number by architecture (asm/unistd.h). */
const IOPRIO_SET: Readonly<Record<string, number>> = { x64: 251, arm64: 30 }
const IOPRIO_WHO_PROCESS = 1
const IOPRIO_IDLE = 3 << 13

/**
 * Puts this process into the idle I/O class. The class belongs to a thread, so all threads that run now are set;
 * later ones inherit it from their maker. False where that is not possible.
 */
export function ioprioSetIdle(): boolean {
  const call = syscall3()
  const number = IOPRIO_SET[process.arch]
  if (call === null || number === undefined) return false
  const threads = readdirSync('/proc/self/task').map(Number)
  return threads.every(
    (thread) => call(number, IOPRIO_WHO_PROCESS, thread, IOPRIO_IDLE) === 0 || lastErrno() === E.ESRCH,
  )
}

/** The same for the calling thread alone. */
export function ioprioSetIdleThread(): boolean {
  const call = syscall3()
  const number = IOPRIO_SET[process.arch]
  return call !== null && number !== undefined && call(number, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE) === 0
}

const POSIX_FADV_DONTNEED = 4

/**
 * Drops what the page cache has of these bytes, as far as it is on the disk already: the next read shows what the disk
 * holds. False where that is not possible; then a read may be answered from memory.
 */
export function dropFromCache(fd: number, offset: number, length: number): boolean {
  const call = fadvise4()
  return call !== null && call(fd, offset, length, POSIX_FADV_DONTNEED) === 0
}

/**
 * Reserves `size` bytes for a file, so that a full disk shows before the bytes have come. False where the filesystem
 * cannot (nothing is written instead: posix_fallocate of the C library would write a byte to every block). Throws a
 * system error, such as ENOSPC.
 */
export function posixFallocate(fd: number, size: number): boolean {
  const call = fallocate4()
  if (call === null || size === 0) return false
  if (call(fd, 0, 0, size) === 0) return true
  const errno = lastErrno()
  if (errno === E.EOPNOTSUPP || errno === E.ENOSYS) return false
  throw systemError('fallocate', errno)
}

const RENAME_NOREPLACE = 1

/**
 * Renames within two open directories and never replaces: true when done, false when something stands at the new
 * name, null when it cannot be had here (no koffi, or a filesystem without it, such as NFS). Other errors reject.
 */
export async function renameNoReplace(
  fromDirFd: number,
  fromName: string,
  toDirFd: number,
  toName: string,
): Promise<boolean | null> {
  const call = renameat2()
  if (call === null) return null
  return renamed(await renameOnThread(call, [fromDirFd, fromName, toDirFd, toName, RENAME_NOREPLACE]))
}

/** The same in this thread. */
export function renameNoReplaceSync(
  fromDirFd: number,
  fromName: string,
  toDirFd: number,
  toName: string,
): boolean | null {
  const call = renameat2()
  if (call === null) return null
  return renamed(call(fromDirFd, fromName, toDirFd, toName, RENAME_NOREPLACE) === 0 ? 0 : lastErrno())
}

function renamed(errno: number): boolean | null {
  if (errno === 0) return true
  if (errno === E.EEXIST) return false
  if (errno === E.EINVAL || errno === E.ENOSYS || errno === E.EOPNOTSUPP) return null
  throw systemError('renameat2', errno)
}

/** Whether `syncFilesystem` can be had here. */
export function canSyncFilesystem(): boolean {
  return syncfs1() !== null
}

/** Writes out all of the filesystem that an open file lies on. On a thread. Rejects with a system error. */
export function syncFilesystem(fd: number): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const call = syncfs1()
    if (call === null) return reject(systemError('syncfs', E.ENOSYS))
    call.async(fd, (error, result) => {
      if (error !== null) reject(error)
      else if (result === 0) resolve()
      else reject(systemError('syncfs', lastErrno()))
    })
  })
}

/** On a thread, because a rename may wait for the journal; koffi lends 256 of its calls at a time, then we wait here. */
function renameOnThread(call: NativeFunction, args: readonly (number | string)[]): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    try {
      call.async(...args, (error, result) => {
        if (error !== null) reject(error)
        else resolve(result === 0 ? 0 : lastErrno())
      })
    } catch {
      resolve(call(...args) === 0 ? 0 : lastErrno())
    }
  })
}

const UTIME_OMIT = 0x3ffffffe

/**
 * Sets the mtime of an open file to exactly `mtimeUs` (microseconds since 1970, also before it). Without koffi times
 * before 1970 are exact to the millisecond, and the access time changes too. Throws a system error.
 */
export function setTimes(fd: number, mtimeUs: number): void {
  const call = futimens2()
  if (call === null) return setTimesByNode(fd, mtimeUs)
  const seconds = Math.floor(mtimeUs / 1e6)
  const times = Buffer.alloc(32) // struct timespec[2], 64 bit: access time left alone, modification time
  times.writeBigInt64LE(BigInt(UTIME_OMIT), 8)
  times.writeBigInt64LE(BigInt(seconds), 16)
  times.writeBigInt64LE(BigInt((mtimeUs - seconds * 1e6) * 1000), 24)
  if (call(fd, times) !== 0) throw systemError('futimens', lastErrno())
}

function setTimesByNode(fd: number, mtimeUs: number): void {
  // Seconds as a double are off by up to a quarter of a microsecond: aim at the middle of the wanted one.
  // Node takes a negative number for "now", but not a negative Date.
  const time = mtimeUs < 0 ? new Date(mtimeUs / 1000) : (mtimeUs + 0.5) / 1e6
  futimesSync(fd, time, time)
}

const LOCK_EX = 2
const LOCK_NB = 4

/**
 * Takes the exclusive lock of an open file, held until the descriptor is closed or the process ends. True when it is
 * ours, false when another has it, null when it cannot be had here.
 */
export function flockExclusive(fd: number): boolean | null {
  const call = flock2()
  if (call === null) return null
  if (call(fd, LOCK_EX | LOCK_NB) === 0) return true
  return lastErrno() === E.EAGAIN ? false : null
}

const F_SETSIG = 10
const F_SETLEASE = 1024
const F_RDLCK = 0
const F_UNLCK = 2

/**
 * True when some process has the file open for writing, null when the kernel cannot say (not our file, a network
 * filesystem, no koffi). `fd` must be open for reading only, or it is itself the writer. Asks for a read lease, which
 * is only given while there is no writer, and returns it at once.
 */
export function hasWriters(fd: number): boolean | null {
  const call = fcntl3()
  if (call === null) return null
  // A writer that comes in this very moment breaks the lease by a signal: the default one, SIGIO, would end us;
  // SIGURG does nothing.
  if (call(fd, F_SETSIG, constants.signals.SIGURG) !== 0) return null
  if (call(fd, F_SETLEASE, F_RDLCK) !== 0) return lastErrno() === E.EAGAIN ? true : null
  call(fd, F_SETLEASE, F_UNLCK)
  return false
}
