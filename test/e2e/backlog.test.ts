/** What comes first when much waits: small files, and what `priorities` names. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Cluster, until } from './cluster.ts'
import { report } from './pool.ts'

const IMAGES = 60
const IMAGE_BYTES = 1_000_000

test('a small file, and one with priority, overtake a backlog of images', async () => {
  await using cluster = await Cluster.start({
    hosts: 2,
    configure: (config) =>
      Object.assign(config, {
        download_limit: 500,
        shared_folders: config.shared_folders.map((folder) => ({ ...folder, priorities: ['rescue/**'] })),
      }),
  })
  const [from, to] = cluster.hosts
  assert.ok(from && to)
  const images = () => readdirSync(to.dir).filter((name) => name.startsWith('image')).length
  for (let i = 0; i < IMAGES; i++) writeFileSync(join(from.dir, `image-${i}.img`), randomBytes(IMAGE_BYTES))
  await until('all places are taken', async () => ((await report(to))?.transfers.length ?? 0) >= 24)
  writeFileSync(join(from.dir, 'urgent.txt'), randomBytes(30_000))
  mkdirSync(join(from.dir, 'rescue'))
  writeFileSync(join(from.dir, 'rescue/grub.img'), randomBytes(2 * IMAGE_BYTES))
  await until('the small file is there', () => existsSync(join(to.dir, 'urgent.txt')))
  assert.ok(images() < IMAGES / 2, `${images()} images came before the small file`)
  await until('the one with priority is there', () => existsSync(join(to.dir, 'rescue/grub.img')))
  assert.ok(images() < IMAGES / 2, `${images()} images came before the one with priority`)
})
