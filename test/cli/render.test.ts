import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { bar, duration, percent, table } from '../../src/cli/figures.ts'
import { renderArchive, renderWhere } from '../../src/cli/render-answers.ts'
import { renderStatus } from '../../src/cli/render-status.ts'
import { printable } from '../../src/cli/terminal.ts'
import { sampleStatus, sampleWhere } from '../api/report.fixture.ts'

const plain = { colors: false, bars: true, nowMs: 1_000_000 + 300_000 }

test('status shows this host, folders, hosts, transfers and problems', () => {
  const text = renderStatus(sampleStatus, plain)
  const expected = [
    /^isoserver01, site north: isosyncd 0\.1\.0, pid 4711, port 58889, up 1d 1h\n/,
    /^\/srv\/iso {2}syncing$/m,
    /1,234 files, 512 GB; archive 3 files, 12 GB; scanned 5m ago in 1\.2s; scrub 43 % done \(scrubbed 5m ago\); read-write, id 1a2b3c4d/,
    /iso1:58889 +isoserver01 +this host +north/,
    /iso2:58889 +isoserver02 +connected +south +1\.2 ms +120 MB\/s +- +no$/m,
    /iso3:58889 +- +down .*name does not resolve; next try in 8 s/,
    /█{10}░{10} +52 % +debian-12\.iso +2\.12 GB of 4 GB, 120 MB\/s, 16s left, from iso2:58889/,
    /░{20} +0 % +alma-9\.iso/,
    /unfinished +evil\\x1b\[2Jname\.iso: shorter than/,
    /^\/srv\/empty {2}halted: the marker is missing: mount the disk/m,
    /0 files, 0 B; archive empty; scanning now \(never scanned\); never scrubbed; read-only/,
    /known_hosts is empty/,
  ]
  for (const pattern of expected) assert.match(text, pattern)
})

test('colours change nothing but the colour', () => {
  const coloured = renderStatus(sampleStatus, { ...plain, colors: true })
  assert.notEqual(coloured, renderStatus(sampleStatus, plain))
  assert.equal(stripVTControlCharacters(coloured), renderStatus(sampleStatus, plain))
})

test('where nobody looks at a terminal, progress is figures alone', () => {
  const text = renderStatus(sampleStatus, { ...plain, bars: false })
  assert.match(text, /^ {2,}52 % +debian-12\.iso +2\.12 GB of 4 GB/m)
  assert(!/[█░]/.test(text))
})

test('a host that is connected and has not proven the secret is told from one that is about to', () => {
  const [folder] = sampleStatus.folders
  const [host] = folder?.hosts ?? []
  assert(folder && host)
  const stateOf = (why: string) => {
    const hosts = [{ ...host, self: false, state: 'connected' as const, why }]
    return renderStatus({ ...sampleStatus, folders: [{ ...folder, hosts }] }, plain)
  }
  assert.match(stateOf(''), /iso1:58889 +isoserver01 +proving/)
  assert.match(stateOf('is the secret the same?'), /iso1:58889 +isoserver01 +unproven .*is the secret the same\?/)
})

test('long lists are cut with the number of the rest', () => {
  const [folder] = sampleStatus.folders
  assert(folder)
  const problems = Array.from({ length: 1000 }, (_, i) => ({ kind: 'unreadable' as const, path: `f${i}`, detail: 'x' }))
  const text = renderStatus({ ...sampleStatus, folders: [{ ...folder, problems }] }, plain)
  assert.match(text, /Problems \(1000\)/)
  assert.match(text, /… and 980 more$/m)
  assert(!text.includes('f20:'))
})

test('where shows each host and the verdict', () => {
  const text = renderWhere(sampleWhere, plain)
  assert.match(text, /iso1:58889 +whole +100 % +aaaaaaaaaaaaaaaa/)
  assert.match(text, /iso2:58889 +partial +52 % +- +being fetched/)
  const hosts = ['a', 'b'].map((root) => ({
    host: `${root}:1`,
    state: 'whole' as const,
    percent: 100,
    root,
    detail: '',
  }))
  assert.match(
    renderWhere({ ...sampleWhere, hosts }, plain),
    /Not everywhere: 2 of 2 hosts have it whole, and not all of them the same content/,
  )
  assert.match(
    renderWhere({ ...sampleWhere, hosts, everywhere: true }, plain),
    /Every known host \(2\) has it whole and verified/,
  )
})

test('an empty archive is a sentence', () => {
  assert.equal(renderArchive([{ folder: '/srv/iso', files: [] }]), '/srv/iso: the archive is empty\n')
})

test('figures at their edges', () => {
  assert.equal(percent(999_999, 1_000_000), '99 %')
  assert.equal(percent(0, 0), '100 %')
  assert.equal(bar(1, 3, 3), '█░░')
  assert.equal(bar(5, 3, 3), '███')
  assert.equal(duration(0), '0ms')
  assert.equal(duration(-5), '0ms')
  assert.equal(duration(59_999), '59s')
  assert.equal(table(['a', 'b'], [['1', '']]), '  a  b\n  1')
})

test('names cannot take over the terminal', () => {
  assert.equal(printable('a\x1b]0;x\x07\n\u202egpj.iso\x9b'), 'a\\x1b]0;x\\x07\\x0a\\u202egpj.iso\\x9b')
  assert.equal(printable('Größe 大.iso'), 'Größe 大.iso')
})
