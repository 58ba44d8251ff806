import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { generateSecret, readOnlySecret } from '../../src/base/secret.ts'
import { loadConfig, parseConfig } from '../../src/config/load.ts'
import { showMistake } from '../../src/config/mistake.ts'
import { fixture, type Fixture } from './fixture.ts'

interface Case {
  readonly name: string
  /** Keys at the top, or of the one folder. */
  readonly top?: object
  readonly folder?: object
  readonly says: RegExp
}

const cases: readonly Case[] = [
  { name: 'a mistyped key', top: { device_nam: 'a' }, says: /device_nam: is no key .* did you mean 'device_name'\?/ },
  {
    name: 'a mistyped key of a folder',
    folder: { knwon_hosts: [] },
    says: /knwon_hosts: .* did you mean 'known_hosts'\?/,
  },
  { name: 'a key like no other', top: { xyzzy: 1 }, says: /xyzzy: is no key that isosyncd knows$/ },
  { name: 'a key of a folder at the top', top: { settle_seconds: 1 }, says: /belongs in a folder/ },
  { name: 'a key of the top in a folder', folder: { upload_limit: 1 }, says: /belongs at the top/ },
  { name: '__proto__ as a key', folder: JSON.parse('{"__proto__": 1}') as object, says: /__proto__: is no key/ },
  { name: 'length as a key', folder: { dir: { length: {} } }, says: /dir\.length: is no key that isosyncd knows/ },
  {
    name: 'text for a number',
    top: { folder_rescan_interval: '600' },
    says: /expected a number of seconds, 0 = never, found "600"/,
  },
  { name: 'a number for a switch', top: { use_upnp: 1 }, says: /use_upnp: expected true or false, found 1/ },
  {
    name: 'null for a name',
    top: { device_name: null },
    says: /device_name: expected a name for this host.*, found null/,
  },
  { name: 'an empty name', top: { site: '' }, says: /site: expected a name/ },
  { name: 'port 0', top: { listening_port: 0 }, says: /listening_port: expected a port, 1 to 65535, found 0/ },
  { name: 'port 65536', top: { listening_port: 65536 }, says: /listening_port: expected a port/ },
  { name: 'a broken port', top: { listening_port: 80.5 }, says: /listening_port: expected a port/ },
  { name: 'a negative limit', top: { upload_limit: -1 }, says: /upload_limit: expected a number of kB\/s/ },
  {
    name: 'a short network secret',
    top: { network_secret: 'short' },
    says: /at least 16 characters .* found a text \(not shown\)/,
  },
  {
    name: 'no folders',
    top: { shared_folders: [] },
    says: /shared_folders: expected a list with at least one folder, found an empty list/,
  },
  {
    name: 'a folder that is no object',
    top: { shared_folders: ['x'] },
    says: /shared_folders\[0\]: expected a folder: .* found "x"/,
  },
  { name: 'a secret that is no text', folder: { secret: 5 }, says: /secret: expected a secret .* \(not shown\)/ },
  {
    name: 'a secret of Resilio',
    folder: { secret: 'A5QZ3JJ6QFQ7VLYB2Z5R3BMQKZLVHNUYJ' },
    says: /secret: it has 33 characters .* made by another program/,
  },
  {
    name: 'no secret at all yet',
    folder: { secret: 'MY_SECRET_1' },
    says: /secret: a secret begins with A .*--generate-secret/,
  },
  {
    name: 'a host without port',
    folder: { known_hosts: ['iso1.lan'] },
    says: /known_hosts\[0\]: the port is missing, such as 'iso1.lan:58889'/,
  },
  { name: 'a host with port 0', folder: { known_hosts: ['iso1.lan:0'] }, says: /'0' is no port/ },
  { name: 'a host with port 65536', folder: { known_hosts: ['iso1.lan:65536'] }, says: /'65536' is no port/ },
  {
    name: 'an IPv6 address without brackets',
    folder: { known_hosts: ['2001:db8::1'] },
    says: /such as '\[2001:db8::1\]:58889'/,
  },
  { name: 'an IPv6 address without port', folder: { known_hosts: ['[::1]'] }, says: /the port is missing/ },
  {
    name: 'brackets around a name',
    folder: { known_hosts: ['[iso1]:1'] },
    says: /'iso1' in brackets is no IPv6 address/,
  },
  {
    name: 'an IPv4 address that is none',
    folder: { known_hosts: ['1.2.3.256:1'] },
    says: /neither a host name nor an IP address/,
  },
  { name: 'a host with a space', folder: { known_hosts: ['iso 1:1'] }, says: /neither a host name/ },
  { name: 'an URL as a host', folder: { known_hosts: ['tcp://iso1:1'] }, says: /neither a host name/ },
  {
    name: 'a host that is no text',
    folder: { known_hosts: [58889] },
    says: /known_hosts\[0\]: expected a host and port/,
  },
  { name: 'an unknown owner', folder: { owner: 'nobody-knows' }, says: /there is no user 'nobody-knows'/ },
  { name: 'an unknown group', folder: { group: 'nobody-knows' }, says: /there is no group 'nobody-knows'/ },
  { name: 'an owner below zero', folder: { owner: -1 }, says: /owner: -1 is no id/ },
  { name: 'a mode that is not octal', folder: { file_mode: '0888' }, says: /'0888' is no octal mode/ },
  {
    name: 'a mode as a number',
    folder: { file_mode: 644 },
    says: /octal mode in double quotes, such as "0644", found 644/,
  },
  { name: 'a setuid mode', folder: { file_mode: '4644' }, says: /bits that do not belong here/ },
  { name: 'a mode that locks the owner out', folder: { dir_mode: '0500' }, says: /would lock isosyncd itself out/ },
  { name: 'more than all files', folder: { max_delete_percent: 101 }, says: /a percentage, 0 to 100, found 101/ },
  {
    name: 'a time that is none',
    top: { limits: [{ time: '7-19', upload_limit: 1 }] },
    says: /limits\[0\]\.time: expected a span/,
  },
  {
    name: 'a share above all',
    top: { limits: [{ upload_limit: '120 %' }] },
    says: /limits\[0\]\.upload_limit: expected a number of kB\/s/,
  },
  {
    name: 'a share of nothing',
    top: { limits: [{ upload_limit: '20 %' }] },
    says: /limits\[0\]\.upload_limit: a share of upload_limit, which this file does not set/,
  },
  {
    name: 'a dir that does not exist',
    folder: { dir: '/nonexistent/pool' },
    says: /dir: '\/nonexistent\/pool' does not exist/,
  },
  { name: 'a dir that is a file', folder: { dir: '/etc/passwd' }, says: /'\/etc\/passwd' is not a directory/ },
  {
    name: 'a dir on a read-only filesystem',
    folder: { dir: '/proc/sys' },
    says: /dir: '\/proc\/sys' is (on a read-only|not readable)/,
  },
]

function textOf(f: Fixture, { top, folder }: Pick<Case, 'top' | 'folder'>): string {
  const whole = { secret: f.secret, dir: f.folder('pool'), known_hosts: ['iso1.lan:58889'] }
  // Object.assign would call the setter of __proto__.
  const ours = { ...whole, ...folder }
  return JSON.stringify({ shared_folders: [ours], ...top }, null, 2)
}

function mistakesOf(f: Fixture, text: string): readonly string[] {
  const loaded = parseConfig(text, 'sync.json', f.surroundings)
  return (loaded.ok ? loaded.awaited : loaded.mistakes).map(showMistake)
}

for (const c of cases) {
  test(`one mistake, and no other, for ${c.name}`, (t) => {
    const f = fixture(t)
    const mistakes = mistakesOf(f, textOf(f, c))
    assert.equal(mistakes.length, 1, mistakes.join('\n'))
    assert.match(mistakes[0] ?? '', c.says)
    assert.match(mistakes[0] ?? '', /^sync\.json:[0-9]+:[0-9]+: /)
  })
}

test('a secret with one letter wrong is told from a wrong one, and is not shown', (t) => {
  const f = fixture(t)
  const typo = f.secret.slice(0, -1) + (f.secret.endsWith('A') ? 'Q' : 'A')
  const [mistake = ''] = mistakesOf(f, textOf(f, { folder: { secret: typo } }))
  assert.match(mistake, /secret: its checksum does not fit: it has a typing error/)
  assert(!mistake.includes(typo.slice(5, 20)))
})

test('every mistake is told at once, in the order of the file, with line and column', (t) => {
  const f = fixture(t)
  const text = `// a comment
{
  "listening_port": 99999, /* too
     large */ "use_upnp": "no",
  "shared_folders": [
    { "secret": "x", "dir": "${f.folder('a')}" },
\t{
      "dir": "${f.folder('a')}/b",
      "known_hosts": ["iso1",
        "iso2:x"],
    },
  ],
  "webui": {},
}`
  const loaded = parseConfig(text, 'sync.json', f.surroundings)
  assert(!loaded.ok)
  const places = loaded.mistakes.map((m) => `${m.line}:${m.column} ${m.key}`)
  assert.deepEqual(places, [
    '3:21 listening_port',
    '4:27 use_upnp',
    '6:17 shared_folders[0].secret',
    '7:2 shared_folders[1].secret',
    '8:14 shared_folders[1].dir',
    '8:14 shared_folders[1].dir',
    '9:23 shared_folders[1].known_hosts[0]',
    '10:9 shared_folders[1].known_hosts[1]',
  ])
  assert.deepEqual(
    loaded.warnings.map((w) => w.key),
    ['shared_folders[0].known_hosts', 'webui'],
  )
})

test('broken JSON is told in words with its place, beside the mistakes that can still be seen', (t) => {
  const f = fixture(t)
  const broken = textOf(f, { top: { listening_port: 0 } }).replace('"secret"', 'secret')
  const mistakes = mistakesOf(f, broken)
  assert(
    mistakes.some((m) => /^sync\.json:4:7: /.test(m)),
    mistakes.join('\n'),
  )
  assert(
    mistakes.some((m) => /listening_port/.test(m)),
    mistakes.join('\n'),
  )
  for (const text of ['', '   ', '// nothing', '[]', '5', '"x"', 'null'])
    assert.match(mistakesOf(f, text).join('\n'), /object in braces/)
})

test('a key given twice is a mistake: the second would silently win', (t) => {
  const f = fixture(t)
  const text = textOf(f, {}).replace('"dir":', '"dir": "/elsewhere",\n "dir":')
  assert.match(
    mistakesOf(f, text).join('\n'),
    /sync\.json:\d+:2: shared_folders\[0\]\.dir: is given twice \(first on line \d+\)/,
  )
})

test('folders that overlap are refused, also through a symbolic link', (t) => {
  const f = fixture(t)
  const dir = f.folder('pool')
  mkdirSync(join(dir, 'inner'))
  symlinkSync(dir, join(f.dir, 'link'))
  const overlapping = {
    'the same directory': [dir, `${dir}/`, join(f.dir, 'link')],
    'lies inside': [join(dir, 'inner'), join(f.dir, 'link/inner')],
    contains: [f.dir],
  }
  for (const [words, others] of Object.entries(overlapping)) {
    for (const other of others) {
      const folders = [dir, other].map((d) => ({ secret: generateSecret(), dir: d, known_hosts: ['a:1'] }))
      const [mistake = '', ...more] = mistakesOf(f, JSON.stringify({ storage_path: '/tmp/x', shared_folders: folders }))
      assert(mistake.includes('shared_folders[1].dir: ') && mistake.includes(words), mistake)
      assert.deepEqual(more, [], other)
    }
  }
  const apart = [dir, f.folder('pool2')].map((d) => ({ secret: generateSecret(), dir: d }))
  assert.deepEqual(mistakesOf(f, JSON.stringify({ shared_folders: apart })), [])
})

test('storage_path, pid_file and meta_dir inside a folder are refused, except in its .sync', (t) => {
  const f = fixture(t)
  const dir = f.folder('pool')
  const inside = join(dir, 'state')
  const refused: readonly Pick<Case, 'top' | 'folder'>[] = [
    { top: { storage_path: inside } },
    { top: { storage_path: dir } },
    { top: { pid_file: `${dir}/pid` } },
    { folder: { meta_dir: inside } },
    { folder: { meta_dir: f.dir } },
    { folder: { meta_dir: '/proc/isosyncd' } },
    { top: { storage_path: '/etc/passwd/state' } },
  ]
  for (const c of refused) assert.equal(mistakesOf(f, textOf(f, c)).length > 0, true, JSON.stringify(c))
  const allowed = {
    top: { storage_path: `${dir}/.sync/state`, pid_file: `${f.dir}/run/pid` },
    folder: { meta_dir: `${f.dir}/meta` },
  }
  assert.deepEqual(mistakesOf(f, textOf(f, allowed)), [])
})

test('two folders may share neither a secret, nor its read-only form, nor a meta_dir', (t) => {
  const f = fixture(t)
  const folders = (second: string, meta: string) => [
    { secret: f.secret, dir: f.folder('a'), meta_dir: `${f.dir}/meta` },
    { secret: second, dir: f.folder('b'), meta_dir: meta },
  ]
  const mistakes = (second: string, meta: string) =>
    mistakesOf(f, JSON.stringify({ shared_folders: folders(second, meta) }))
  assert.match(mistakes(f.secret, `${f.dir}/m2`).join(), /shared_folders\[1\]\.secret: another folder/)
  assert.match(mistakes(readOnlySecret(f.secret), `${f.dir}/m2`).join(), /shared_folders\[1\]\.secret: another folder/)
  assert.match(
    mistakes(generateSecret(), `${f.dir}/meta/x`).join(),
    /shared_folders\[1\]\.meta_dir: .* shared with another/,
  )
  assert.deepEqual(mistakes(generateSecret(), `${f.dir}/m2`), [])
})

test('a config that cannot be read is told in words', (t) => {
  const f = fixture(t)
  for (const [file, words] of [
    [join(f.dir, 'none.json'), /cannot be read: it does not exist/],
    [f.dir, /cannot be read/],
  ] as const) {
    const loaded = loadConfig(file, f.surroundings)
    assert(!loaded.ok)
    assert.match(loaded.mistakes.map(showMistake).join(), words)
  }
})

test('a byte order mark and CRLF line ends do no harm', (t) => {
  const f = fixture(t)
  const text = `\uFEFF${textOf(f, {}).replaceAll('\n', '\r\n')}`
  writeFileSync(f.write(''), text)
  assert.equal(loadConfig(join(f.dir, 'sync.json'), f.surroundings).ok, true)
})

test('whatever stands in the file, loading gives words and never throws', (t) => {
  const f = fixture(t)
  const good = textOf(f, {})
  const key = fc.constantFrom(
    'shared_folders',
    'secret',
    'dir',
    'known_hosts',
    'limits',
    'owner',
    '__proto__',
    'webui',
    'x',
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('tree')),
      fc.dictionary(key, tie('tree')),
    ),
  }))
  const damaged = fc
    .tuple(fc.nat(good.length), fc.nat(20), fc.string())
    .map(([at, gone, put]) => good.slice(0, at) + put + good.slice(at + gone))
  const texts = fc.oneof(
    tree.map((value) => JSON.stringify(value)),
    damaged,
    fc.string(),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const loaded = parseConfig(text, 'sync.json', f.surroundings)
      assert(loaded.ok || loaded.mistakes.length > 0)
    }),
    { numRuns: 300 },
  )
})

test('a dir whose disk may come yet keeps no daemon from running; every other mistake does', (t) => {
  const f = fixture(t)
  const load = (folder: Record<string, unknown>) => parseConfig(textOf(f, { folder }), 'sync.json', f.surroundings)
  for (const folder of [
    { dir: '/nonexistent/pool' },
    { dir: '/proc/sys' },
    { dir: '/nonexistent/pool', meta_dir: '/proc/sys/meta' },
  ])
    assert.ok(load(folder).ok, JSON.stringify(folder))
  for (const folder of [{ dir: '/etc/passwd' }, { dir: '/nonexistent/pool', known_hosts: ['a'] }])
    assert.ok(!load(folder).ok, JSON.stringify(folder))
})
