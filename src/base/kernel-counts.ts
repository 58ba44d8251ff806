/** What the kernel has counted and measured of this process, and Node does not tell. Null without koffi. */
import { declare } from './native-library.ts'

const getrusage2 = declare('int getrusage(int who, void *usage)')
const getsockopt5 = declare('int getsockopt(int fd, int level, int option, void *value, void *length)')

const RUSAGE_THREAD = 1
/** Where `ru_nvcsw` lies in struct rusage, of 18 words of 64 bits (getrusage(2)). */
const VOLUNTARY_SWITCHES_AT = 128
const usage = Buffer.alloc(144)

/**
 * How often the calling thread has given up its processor by itself: for a disk, a lock, or because it had nothing to
 * do. Not counted: when another thread was given the processor. Null when the kernel cannot say.
 */
export function threadWaits(): number | null {
  const call = getrusage2()
  if (call === null || call(RUSAGE_THREAD, usage) !== 0) return null
  return Number(usage.readBigInt64LE(VOLUNTARY_SWITCHES_AT))
}

const IPPROTO_TCP = 6
const TCP_INFO = 11
/** Where `tcpi_min_rtt` lies in struct tcp_info (linux/tcp.h); kernels from 4.6 on give it. */
const MIN_RTT_AT = 148
/** What the kernel says before the first answer has come. */
const UNMEASURED = 0xffffffff

/**
 * The least round trip of a TCP connection in its last five minutes (tcp_min_rtt_wlen), as the kernel has measured it,
 * in microseconds: what the way takes, however busy the processes at both ends are. Null when the kernel cannot say.
 */
export function tcpLeastRoundTripUs(fd: number): number | null {
  const call = getsockopt5()
  if (call === null) return null
  const info = Buffer.alloc(MIN_RTT_AT + 4)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(info.byteLength)
  if (call(fd, IPPROTO_TCP, TCP_INFO, info, length) !== 0 || length.readUInt32LE() < info.byteLength) return null
  const us = info.readUInt32LE(MIN_RTT_AT)
  return us === UNMEASURED ? null : us
}
