/**
 * The calls of node:fs that may wait for the disk, as promises on plain descriptors: two thirds of the cost of
 * node:fs/promises, whose FileHandle objects the collector has to watch. What only looks into the cache (opening a
 * directory, lstat) is called synchronously elsewhere: 2 to 4 µs instead of 40 (measured).
 */
import fs from 'node:fs'
import { promisify } from 'node:util'
import { Haste } from './haste.ts'

// What changes only names and inodes waits for the disk seldom: with small files it is called ten times for each.
export const openFile = hastily(fs.openSync, promisify(fs.open))
export const closeFile = hastily(fs.closeSync, promisify(fs.close))
export const linkFile = hastily(fs.linkSync, promisify(fs.link))
export const makeDir = hastily<[string], unknown>(fs.mkdirSync, promisify(fs.mkdir))
export const changeOwner = hastily(fs.fchownSync, promisify(fs.fchown))
export const changeMode = hastily(fs.fchmodSync, promisify(fs.fchmod))
export const truncateFile = hastily<[number, number], void>(fs.ftruncateSync, promisify(fs.ftruncate))
export const statFilesystem = hastily<[string], fs.StatsFs>(fs.statfsSync, promisify(fs.statfs))

// These may free the blocks of a large file, or write out many: always on a thread.
export const closeRemoved = promisify(fs.close)
export const renameFile = promisify(fs.rename)
export const unlinkFile = promisify(fs.unlink)
export const readSymlink = promisify(fs.readlink)
export const makeSymlink = promisify(fs.symlink)
export const changeLinkOwner = promisify(fs.lchown)
export const removeDir = promisify(fs.rmdir)
export const readDir = promisify(fs.readdir)
export const syncFile = promisify(fs.fsync)
export const syncData = promisify(fs.fdatasync)

/** Resolves to the bytes read; 0 at the end. */
export async function readFrom(fd: number, into: Uint8Array, from: number, position: number): Promise<number> {
  const bytes = into.byteLength - from
  if (reads.mayRunHere()) return reads.run(() => fs.readSync(fd, into, from, bytes, position))
  return await new Promise((resolve, reject) => {
    fs.read(fd, into, from, bytes, position, (error, n) => (error ? reject(error) : resolve(n)))
  })
}

/** Resolves to the bytes written, which may be fewer than wanted. */
export async function writeTo(fd: number, bytes: Uint8Array, from: number, position: number): Promise<number> {
  const left = bytes.byteLength - from
  if (writes.mayRunHere()) return writes.run(() => fs.writeSync(fd, bytes, from, left, position))
  return await new Promise((resolve, reject) => {
    fs.write(fd, bytes, from, left, position, (error, n) => (error ? reject(error) : resolve(n)))
  })
}

const reads = new Haste()
const writes = new Haste()

/** Called here as long as that does not wait for the disk, else on a thread (haste.ts). */
export function hastily<Args extends unknown[], Result>(
  here: (...args: Args) => Result,
  onThread: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  const haste = new Haste()
  return async (...args) => (haste.mayRunHere() ? haste.run(() => here(...args)) : await onThread(...args))
}
