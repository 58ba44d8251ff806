/** What a running process has used, as Linux counts it (proc(5)). */
import { readFileSync } from 'node:fs'

/** /proc counts CPU time in ticks of USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** Of all its threads, user and system. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field, the name in brackets, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [utime, stime] = [Number(fields[11]), Number(fields[12])]
  return (utime + stime) / TICKS_PER_SECOND
}

/** Resident now. */
export function residentMiBOf(pid: number): number {
  return statusField(pid, 'VmRSS')
}

/** The most that was ever resident. */
export function peakMiBOf(pid: number): number {
  return statusField(pid, 'VmHWM')
}

function statusField(pid: number, field: string): number {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm'))
  return Math.round(Number(line?.[1]) / 1024)
}
