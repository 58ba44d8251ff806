/**
 * The C library through koffi. Koffi is optional and loaded at the first call (11 ms and 8 MB resident, measured):
 * without it `declare` gives null, and every caller has an answer for that.
 */
import { createRequire } from 'node:module'
import { getSystemErrorMessage, getSystemErrorName } from 'node:util'
import type * as Koffi from 'koffi'

/** All functions that we declare take and give numbers, names and buffers. */
export interface NativeFunction {
  (...args: (number | string | Uint8Array)[]): number
  /** The same on a thread of the pool; the last argument is told the result. `lastErrno` is right inside it. */
  async(...args: (number | string | Uint8Array | ((error: Error | null, result: number) => void))[]): void
}

let loaded: { readonly koffi: typeof Koffi; readonly library: Koffi.LibraryHandle } | null | undefined

function load(): NonNullable<typeof loaded> | null {
  if (loaded !== undefined) return loaded
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi
    loaded = { koffi, library: koffi.load(null) }
  } catch {
    loaded = null
  }
  return loaded
}

/** True when native calls work on this machine. Loads koffi. */
export function haveNative(): boolean {
  return load() !== null
}

/** As if koffi were not installed: for tests of what happens then. Calls that were declared before go on working. */
export function pretendNoNative(pretend: boolean): void {
  loaded = pretend ? null : undefined
}

/** Declares a function of the C library at its first use; the getter gives null without koffi, or if there is none. */
export function declare(prototype: string): () => NativeFunction | null {
  let found: NativeFunction | null | undefined
  return () => {
    const native = load()
    if (native === null) return null
    if (found === undefined) found = findFunction(native.library, prototype)
    return found
  }
}

function findFunction(library: Koffi.LibraryHandle, prototype: string): NativeFunction | null {
  try {
    return library.func(prototype)
  } catch {
    return null // an older C library
  }
}

/** errno of the last native call that failed. */
export function lastErrno(): number {
  return load()?.koffi.errno() ?? 0
}

/** An error like those of node:fs: `code` is the name, such as 'ENOSPC'. */
export function systemError(call: string, errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno)
  return Object.assign(new Error(`${code}: ${getSystemErrorMessage(-errno)}, ${call}`), {
    code,
    errno: -errno,
    syscall: call,
  })
}
