/** What becomes of a tree that users change on several hosts: times, owners, archive, conflicts, links, directories. */
import assert from 'node:assert/strict'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import Database from 'better-sqlite3'
import { Cluster, type Host, until } from './cluster.ts'
import { archivedFrom, archiveOf, drop, report, scanned, settled, shown, tree, whileDown } from './pool.ts'

let cluster: Cluster
/** Two as they come, and one that is an oVirt ISO domain and keeps no archive. */
let first: Host
let second: Host
let domain: Host
const metaDirOf = (host: Host) => join(host.home, 'meta')

before(async () => {
  cluster = await Cluster.start({
    hosts: 3,
    configure: (config, i, cluster) => {
      const meta_dir = metaDirOf(cluster.host(2))
      const ovirt = { meta_dir, owner: '36', group: '36', file_mode: '0644', dir_mode: '0755', use_sync_trash: false }
      Object.assign(config.shared_folders[0] ?? {}, { max_delete_files: 1000 })
      if (i === 2) Object.assign(config.shared_folders[0] ?? {}, ovirt)
    },
  })
  ;[first, second, domain] = [cluster.host(0), cluster.host(1), cluster.host(2)]
})
after(() => cluster[Symbol.asyncDispose]())

function modeOf(path: string): string {
  const { mode, uid, gid } = lstatSync(path)
  return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`
}

test('times are kept to the microsecond', async () => {
  drop(first, 'time.iso', 1000)
  utimesSync(first.path('time.iso'), 1_600_000_000, 1_600_000_000.123_457)
  await settled(cluster)
  const { mtimeNs } = statSync(domain.path('time.iso'), { bigint: true })
  assert.equal(mtimeNs / 1000n, statSync(first.path('time.iso'), { bigint: true }).mtimeNs / 1000n)
  assert.notEqual(mtimeNs % 1_000_000n, 0n)
})

test('an ISO domain gets its owner and modes, and nothing of ours', async () => {
  mkdirSync(first.path('images/uuid'), { recursive: true })
  drop(first, 'images/uuid/win.iso', 1000)
  await settled(cluster)
  assert.equal(modeOf(domain.path('images/uuid/win.iso')), '644 36:36')
  assert.equal(modeOf(domain.path('images/uuid')), '755 36:36')
  assert.equal(existsSync(domain.path('.sync')), false)
  assert.ok(existsSync(join(metaDirOf(domain), 'IgnoreList')))
})

test('what is replaced or deleted goes to the archive, in its directory, each under a name of its own', async () => {
  mkdirSync(first.path('a/b'), { recursive: true })
  const contents = [1, 2, 3].map(() => drop(first, 'a/b/image.iso', 2000))
  await settled(cluster)
  const versions = [contents[2]]
  for (let i = 0; i < 3; i++) {
    versions.push(drop(first, 'a/b/image.iso', 2000 + i))
    await settled(cluster)
  }
  rmSync(first.path('a/b/image.iso'))
  await settled(cluster)
  const archived = await archivedFrom(second, 'a/b/image.iso')
  assert.equal(archived.length, 4)
  assert.deepEqual(archived.map(({ reason }) => reason).sort(), ['deleted', 'replaced', 'replaced', 'replaced'])
  for (const { name } of archived) assert.match(name, /^a\/b\/image\.iso\.[^/]*(?<!\.iso)$/)
  const kept = archived.map(({ name }) => readFileSync(second.path('.sync/Archive', name)).toString('hex'))
  assert.deepEqual(kept.sort(), versions.map((content) => content?.toString('hex')).sort())
  assert.deepEqual(await archivedFrom(first, 'a/b/image.iso'), [], 'who deletes keeps nothing')
  assert.deepEqual(await archiveOf(domain), [], 'use_sync_trash is false there')
})

test('what is restored comes back on every host, and stays', async () => {
  const content = drop(first, 'restored.iso', 5000)
  utimesSync(first.path('restored.iso'), 1_500_000_000, 1_500_000_000)
  await settled(cluster)
  rmSync(first.path('restored.iso'))
  await settled(cluster)
  const answer = await second.cli('archive', 'restore', 'restored.iso')
  assert.equal(answer.code, 0, answer.stderr)
  await settled(cluster)
  for (const host of cluster.hosts) assert.ok(readFileSync(host.path('restored.iso')).equals(content))
  await first.cli('rescan')
  await second.cli('rescan')
  await settled(cluster)
  assert.ok(existsSync(second.path('restored.iso')))
  assert.deepEqual(await archivedFrom(second, 'restored.iso'), [])
  assert.equal((await first.where('restored.iso')).code, 0)
})

test('archived files go when their days are over, not before', async () => {
  for (const name of ['kept.iso', 'expired.iso']) drop(first, name, 500)
  await settled(cluster)
  for (const name of ['kept.iso', 'expired.iso']) rmSync(first.path(name))
  await settled(cluster)
  await second.kill('SIGTERM')
  const index = new Database(join(second.home, 'state/index.db'))
  const age = index.prepare("UPDATE archived SET used_ms = used_ms - ? WHERE path = 'expired.iso'")
  assert.equal(age.run(31 * 86_400_000).changes, 1)
  index.close()
  second.start()
  await scanned(second)
  await until('it has been removed', async () => (await archivedFrom(second, 'expired.iso')).length === 0)
  assert.deepEqual(
    readdirSync(second.path('.sync/Archive')).filter((name) => name.startsWith('expired')),
    [],
  )
  assert.equal((await archivedFrom(second, 'kept.iso')).length, 1)
  await cluster.connected()
})

test('empty directories come and go', async () => {
  mkdirSync(first.path('empty/in/empty'), { recursive: true })
  assert.ok((await settled(cluster)).includes('empty/in/empty/'))
  rmdirSync(second.path('empty/in/empty'))
  const left = await settled(cluster)
  assert.ok(left.includes('empty/in/') && !left.includes('empty/in/empty/'))
})

test('links travel as links, after what they point at', async () => {
  drop(first, 'debian-12.iso', 3_000_000)
  symlinkSync('debian-12.iso', first.path('current.iso'))
  let dangling = false
  await until('the link is there', () => {
    const there = lstatSync(second.path('current.iso'), { throwIfNoEntry: false }) !== undefined
    dangling ||= there && !existsSync(second.path('current.iso'))
    return there
  })
  assert.equal(dangling, false)
  await settled(cluster)
  assert.equal(readlinkSync(domain.path('current.iso')), 'debian-12.iso')
  rmSync(first.path('current.iso'))
  symlinkSync('restored.iso', first.path('current.iso'))
  await settled(cluster)
  assert.equal(readlinkSync(domain.path('current.iso')), 'restored.iso')
  rmSync(first.path('current.iso'))
  await settled(cluster)
  assert.ok(existsSync(second.path('restored.iso')))
})

test('a link that leaves the folder is a problem, and goes nowhere', async () => {
  for (const [name, target] of [
    ['absolute', '/etc/passwd'],
    ['outside', '../../secret'],
  ] as const) {
    symlinkSync(target, first.path(name))
    assert.match(await shown(first, name, 'bad-link'), /is not synced/)
    assert.equal(lstatSync(second.path(name), { throwIfNoEntry: false }), undefined)
    rmSync(first.path(name))
  }
})

test('when two hosts change one file at the same time, the later wins everywhere and the other is kept', async () => {
  drop(first, 'contested.iso', 1000)
  await settled(cluster)
  let loser: Buffer = Buffer.alloc(0)
  let winner: Buffer = Buffer.alloc(0)
  await whileDown(cluster, () => {
    loser = drop(first, 'contested.iso', 1001)
    utimesSync(first.path('contested.iso'), 1_700_000_000, 1_700_000_000)
    winner = drop(second, 'contested.iso', 1002)
    utimesSync(second.path('contested.iso'), 1_700_000_001, 1_700_000_001)
  })
  await settled(cluster)
  for (const host of cluster.hosts) assert.ok(readFileSync(host.path('contested.iso')).equals(winner))
  const [kept, ...others] = await archivedFrom(first, 'contested.iso')
  assert.deepEqual(others, [])
  assert.equal(kept?.reason, 'conflict')
  assert.ok(readFileSync(first.path('.sync/Archive', kept.name)).equals(loser))
  assert.match(await shown(first, 'contested.iso', 'conflict'), /on two hosts at the same time/)
  const reasons = (await archivedFrom(second, 'contested.iso')).map(({ reason }) => reason)
  assert.ok(!reasons.includes('conflict'), 'who has the winner has no conflict')
})

test('a file that is changed here and deleted there stays', async () => {
  drop(first, 'stays.iso', 1000)
  await settled(cluster)
  let changed: Buffer = Buffer.alloc(0)
  await whileDown(cluster, () => {
    rmSync(first.path('stays.iso'))
    changed = drop(second, 'stays.iso', 1001)
  })
  await settled(cluster)
  assert.ok(readFileSync(first.path('stays.iso')).equals(changed))
})

test('a directory that is deleted on one host while another puts a file into it stays, with that file', async () => {
  mkdirSync(first.path('pool/sub'), { recursive: true })
  drop(first, 'pool/sub/old.iso', 1000)
  await settled(cluster)
  await whileDown(cluster, () => {
    rmSync(first.path('pool'), { recursive: true })
    drop(second, 'pool/sub/new.iso', 1000)
  })
  const left = await settled(cluster)
  assert.deepEqual(
    left.filter((line) => line.startsWith('pool')).map((line) => line.split(' ')[0]),
    ['pool/', 'pool/sub/', 'pool/sub/new.iso'],
  )
})

test('a directory becomes a file, and a file becomes a directory', async () => {
  mkdirSync(first.path('turns/into/file'), { recursive: true })
  drop(first, 'turns/into/file/inner.iso', 1000)
  drop(first, 'leaf', 1000)
  await settled(cluster)
  rmSync(first.path('turns'), { recursive: true })
  drop(first, 'turns', 1234)
  rmSync(first.path('leaf'))
  mkdirSync(first.path('leaf/sub/empty'), { recursive: true })
  drop(first, 'leaf/sub/inner.iso', 1000)
  symlinkSync('sub/inner.iso', first.path('leaf/link'))
  const left = await settled(cluster)
  assert.deepEqual(
    left.filter((line) => /^(leaf|turns)/.test(line)).map((line) => line.split(' ')[0]),
    ['leaf/', 'leaf/link', 'leaf/sub/', 'leaf/sub/empty/', 'leaf/sub/inner.iso', 'turns'],
  )
})

test('a link becomes a directory, and a directory a link', async () => {
  drop(first, 'target.iso', 1000)
  symlinkSync('target.iso', first.path('link-first'))
  mkdirSync(first.path('directory-first'))
  drop(first, 'directory-first/inner.iso', 1000)
  await settled(cluster)
  rmSync(first.path('link-first'))
  mkdirSync(first.path('link-first'))
  drop(first, 'link-first/inner.iso', 1000)
  rmSync(first.path('directory-first'), { recursive: true })
  await settled(cluster)
  symlinkSync('link-first', first.path('directory-first'))
  const left = await settled(cluster)
  assert.ok(left.includes('directory-first -> link-first'))
})

test('a file here against a directory with files there: the later is in place everywhere, and nothing is lost', async () => {
  const kept: Buffer[] = []
  const make = (name: string, { fileS }: { fileS: number }) => {
    kept.push(drop(first, name, 1500))
    utimesSync(first.path(name), fileS, fileS)
    mkdirSync(second.path(name, 'sub'), { recursive: true })
    kept.push(drop(second, `${name}/sub/inner.iso`, 1600))
  }
  await whileDown(
    cluster,
    () => {
      make('file-is-older', { fileS: 1_000_000_000 })
      make('file-is-newer', { fileS: 4_000_000_000 })
    },
    second,
  )
  const left = await settled(cluster)
  assert.deepEqual(
    left.filter((line) => line.startsWith('file-is')).map((line) => line.split(' ')[0]),
    ['file-is-newer', 'file-is-older/', 'file-is-older/sub/', 'file-is-older/sub/inner.iso'],
  )
  for (const content of kept) assert.ok(await isKept(content), 'it is in a tree or in an archive')
  assert.match(await shown(domain, 'file-is-newer/sub/inner.iso', 'in-the-way'), /move it away/)

  renameSync(first.path('file-is-newer'), first.path('moved-away'))
  const after = await settled(cluster)
  assert.ok(
    after.some((line) => line.startsWith('file-is-newer/sub/inner.iso ')),
    'what was buried is back',
  )
})

test('a deep tree that is deleted at once goes at once', async () => {
  const deep = Array.from({ length: 30 }, (_, i) => `level-${i}`).join('/')
  mkdirSync(first.path(deep), { recursive: true })
  for (let dir = deep; dir !== '.' && dir !== 'level-0'; dir = join(dir, '..')) drop(first, `${dir}/image.iso`, 100)
  await settled(cluster)
  rmSync(first.path('level-0'), { recursive: true })
  const left = await settled(cluster)
  assert.ok(!left.some((line) => line.startsWith('level-0')))
  assert.equal((await archiveOf(second)).filter(({ path }) => path.startsWith('level-0/')).length, 29)
})

test('a directory that holds something ignored stays where it is, and that is said', async () => {
  mkdirSync(first.path('half'))
  drop(first, 'half/image.iso', 100)
  await settled(cluster)
  drop(second, 'half/upload.part', 100)
  rmSync(first.path('half'), { recursive: true })
  assert.match(await shown(second, 'half', 'in-the-way'), /half/)
  assert.deepEqual(readdirSync(second.path('half')), ['upload.part'])
  rmSync(second.path('half/upload.part'))
  await second.cli('rescan')
  const left = await settled(cluster)
  assert.ok(!left.includes('half/'))
})

test('the pools are equal, and no problem but the conflicts is left', async () => {
  await settled(cluster)
  for (const host of cluster.hosts) {
    const problems = (await report(host))?.problems ?? []
    assert.deepEqual(
      problems.filter(({ kind }) => kind !== 'conflict'),
      [],
    )
    assert.deepEqual(tree(host), tree(first))
  }
})

/** True if some host has the content in its tree or its archive. */
async function isKept(content: Buffer): Promise<boolean> {
  for (const host of [first, second]) {
    const archived = (await archiveOf(host)).map(({ name }) => readFileSync(host.path('.sync/Archive', name)))
    const standing = tree(host)
      .filter((line) => !line.includes('/ ') && / \d+ \d+ [0-9a-f]{64}$/.test(line))
      .map((line) => readFileSync(host.path(line.split(' ')[0] ?? '')))
    if ([...archived, ...standing].some((kept) => kept.equals(content))) return true
  }
  return false
}
