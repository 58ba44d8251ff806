/**
 * Paths of unix sockets. The kernel takes 107 bytes at most (unix(7), sun_path); a longer one is reached through a
 * handle on its directory.
 */
import { closeSync, constants, openSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

export const CONTROL_SOCKET = 'control.sock'
const MAX_SUN_PATH_BYTES = 107

/** Where the daemon of a storage_path answers. */
export function controlSocketPath(storagePath: string): string {
  return join(storagePath, CONTROL_SOCKET)
}

/** A form of `path` that the kernel takes, until `release` is called. Throws like `open` if its directory is not there. */
export function reachableSocketPath(path: string): { readonly path: string; release(): void } {
  if (Buffer.byteLength(path) <= MAX_SUN_PATH_BYTES) return { path, release: () => {} }
  const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY)
  return { path: `/proc/self/fd/${directory}/${basename(path)}`, release: () => closeSync(directory) }
}
