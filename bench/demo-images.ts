/** What the demo feeds the pool with: real boot images from Debian where they can be had, and one made here. */
import { execFile } from 'node:child_process'
import { glob, mkdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { writeIsoImage } from '../test/iso-image.ts'

const run = promisify(execFile)

/** Debian packages that hold bootable images. */
const PACKAGES = ['memtest86+', 'ipxe', 'grub-rescue-pc']
/** Large enough to see it travel. */
const MADE_BYTES = 300_000_000
/** A slow mirror must not keep the demo waiting: it works as well with the image that it makes. */
const FETCH_MS = 12_000

/** Puts images into the directory `stock` and gives their names, the one made here last. */
export async function gatherImages(stock: string, signal: AbortSignal): Promise<string[]> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(FETCH_MS)])
  const found = await Promise.all(PACKAGES.map((name) => fetchImages(name, stock, bounded).catch(() => [])))
  signal.throwIfAborted()
  writeIsoImage(join(stock, 'made-here.iso'), { contentBytes: MADE_BYTES })
  return [...found.flat().sort(), 'made-here.iso']
}

/** Nothing is installed: the package is only downloaded and taken apart. */
async function fetchImages(name: string, stock: string, signal: AbortSignal): Promise<string[]> {
  const work = `${stock}-${name}`
  await mkdir(work)
  try {
    await run('apt-get', ['-qq', 'download', name], { cwd: work, signal })
    await run('sh', ['-c', 'dpkg-deb -x ./*.deb files'], { cwd: work, signal })
    const images: string[] = []
    for await (const file of glob('files/**/*.iso', { cwd: work })) {
      await rename(join(work, file), join(stock, basename(file)))
      images.push(basename(file))
    }
    return images
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
