/** A full disk pauses receiving into that folder, says so, and goes on by itself; serving never stops. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import { Cluster, type Host, until } from './cluster.ts'
import { drop, limitUpload, report, settled, shown, solved } from './pool.ts'

const MIB = 1 << 20

/** Makes the host's pool a filesystem of `bytes` in memory; false where that is not allowed. */
function mountSmall(host: Host, bytes: number): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', host.dir]).status === 0
}

/** Writes until there is no room left. */
function fill(path: string): void {
  const fd = openSync(path, 'w')
  try {
    for (;;) writeSync(fd, Buffer.alloc(MIB / 16, 1))
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
  } finally {
    closeSync(fd)
  }
}

test('a full disk pauses the folder, which says so, goes on serving, and resumes when there is room', async (t) => {
  await using cluster = await Cluster.make({
    hosts: 3,
    configure: (config, i) => {
      Object.assign(config.shared_folders[0] ?? {}, { max_delete_files: 1000 })
      // What is left of 24 MiB must do: the default would leave 16 of them unused.
      if (i === 1) Object.assign(config.shared_folders[0] ?? {}, { min_free_space: 1 })
    },
  })
  const [source, small, third] = [cluster.host(0), cluster.host(1), cluster.host(2)]
  if (!mountSmall(small, 24 * MIB)) return t.skip('needs the right to mount a tmpfs')
  try {
    source.start()
    small.start()
    await cluster.connected()
    drop(source, 'fits.iso', 6 * MIB)
    mkdirSync(small.path('others'))
    await settled(cluster)
    drop(small, 'others/fills.part', 10 * MIB)

    drop(source, 'big.iso', 12 * MIB)
    assert.match(await shown(small, null, 'disk-full'), /big\.iso/)
    assert.equal((await report(small))?.state, 'paused')
    assert.equal(existsSync(small.path('big.iso')), false)

    await source.kill('SIGKILL')
    third.start()
    await until(
      'it goes on serving',
      () => statSync(third.path('fits.iso'), { throwIfNoEntry: false })?.size === 6 * MIB,
    )

    source.start()
    await cluster.connected()
    rmSync(small.path('others/fills.part'))
    await solved(small, null, 'disk-full')
    await settled(cluster)
    assert.equal(statSync(small.path('big.iso')).size, 12 * MIB)

    rmSync(source.path('fits.iso'))
    await settled(cluster)
    assert.equal((await small.cli('archive', 'purge', '--all')).code, 0)
    await limitUpload(source, 2000)
    await limitUpload(third, 2000)
    drop(source, 'begun.iso', 8 * MIB)
    await until('some of it is there', async () => ((await report(small))?.transfers[0]?.doneBytes ?? 0) > MIB)
    fill(small.path('others/fills.part'))
    assert.match(await shown(small, null, 'disk-full'), /begun\.iso/)
    rmSync(small.path('others/fills.part'))
    for (const host of [source, third]) await limitUpload(host, 0)
    await solved(small, null, 'disk-full')
    await settled(cluster)
  } finally {
    await small.kill('SIGKILL')
    execFileSync('umount', [small.dir])
  }
})

/** What of a disk of 48 MiB must stay free. */
const LEFT_FREE_MIB = 16
/** What is there besides contents: directories, marker, ignore list. */
const SLACK_BYTES = MIB / 2

const dropped: Readonly<Record<string, (source: Host) => void>> = {
  'two large contents, of which one fits': (source) => {
    for (const name of ['a.iso', 'b.iso']) drop(source, name, 20 * MIB)
  },
  'more small contents than fit': (source) => {
    for (let i = 0; i < 2_000; i++) drop(source, `small/${i}`, 24_000)
  },
}

for (const [what, drops] of Object.entries(dropped))
  test(`min_free_space stays free, and the rest comes when there is room: ${what}`, async (t) => {
    await using cluster = await Cluster.make({
      hosts: 3,
      configure: (config, i) => {
        if (i === 1) Object.assign(config.shared_folders[0] ?? {}, { min_free_space: LEFT_FREE_MIB })
      },
    })
    const [source, small, third] = [cluster.host(0), cluster.host(1), cluster.host(2)]
    if (!mountSmall(small, 48 * MIB)) return t.skip('needs the right to mount a tmpfs')
    try {
      source.start()
      small.start()
      await cluster.connected()
      mkdirSync(source.path('small'))
      drop(source, 'here.iso', MIB)
      await settled(cluster)
      await limitUpload(source, 6000) // so that several are under way
      drops(source)
      let leastFree = Infinity
      const watching = setInterval(() => (leastFree = Math.min(leastFree, freeOf(small.dir))), 20).unref()
      await shown(small, null, 'disk-full')
      clearInterval(watching)
      assert.equal((await report(small))?.state, 'paused')
      assert.ok(leastFree >= LEFT_FREE_MIB * MIB - SLACK_BYTES, `only ${leastFree} bytes stayed free`)

      await source.kill('SIGKILL')
      third.start()
      await until('it goes on serving', () => existsSync(third.path('here.iso')))
      await limitUpload(source, 0)
      source.start()
      execFileSync('mount', ['-o', `remount,size=${128 * MIB}`, small.dir])
      await solved(small, null, 'disk-full')
      await settled(cluster)
    } finally {
      await small.kill('SIGKILL')
      execFileSync('umount', [small.dir])
    }
  })

function freeOf(dir: string): number {
  const { bavail, bsize } = statfsSync(dir)
  return bavail * bsize
}
