/** Reports as a daemon would give them, for tests of the socket and of rendering. */
import { type ScrubReport, type StatusReport, type WhereReport } from '../../src/api/api-types.ts'

export const noScrub: ScrubReport = {
  folder: '/srv/iso',
  intervalDays: null,
  round: null,
  endedAt: null,
  now: null,
  file: null,
}

export const sampleStatus: StatusReport = {
  version: '0.1.0',
  deviceName: 'isoserver01',
  site: 'north',
  pid: 4711,
  uptimeS: 90_061,
  listeningPort: 58889,
  peerId: '12D3KooWExample',
  storagePath: '/var/lib/isosyncd',
  folders: [
    {
      dir: '/srv/iso',
      id: '1a2b3c4d',
      mode: 'read-write',
      state: 'syncing',
      stateDetail: '',
      files: 1234,
      bytes: 512_000_000_000,
      scan: { running: false, lastS: 1.25, at: 1_000_000 },
      scrub: { ...noScrub, intervalDays: 30, round: { beganAt: 0, files: 1234, doneFiles: 500, bytes: 512_000_000_000, doneBytes: 220_160_000_000 }, endedAt: 1_000_000 },
      hosts: [
        { host: 'iso1:58889', self: true, state: 'self', why: '', deviceName: 'isoserver01', site: 'north', rttMs: null, receiveRate: 0, sendRate: 0, receivedBytes: 0, sentBytes: 0, inSync: null },
        { host: 'iso2:58889', self: false, state: 'proven', why: '', deviceName: 'isoserver02', site: 'south', rttMs: 1.24, receiveRate: 120_000_000, sendRate: 0, receivedBytes: 0, sentBytes: 0, inSync: false },
        { host: 'iso3:58889', self: false, state: 'down', why: 'name does not resolve; next try in 8 s', deviceName: null, site: null, rttMs: null, receiveRate: 0, sendRate: 0, receivedBytes: 0, sentBytes: 0, inSync: null },
      ],
      transfers: [{ path: 'debian-12.iso', size: 4_000_000_000, doneBytes: 2_119_999_999, rate: 120_000_000, etaS: 16, sources: ['iso2:58889'] }],
      hashing: [{ path: 'alma-9.iso', size: 10_000_000_000, doneBytes: 0 }],
      problems: [{ kind: 'unfinished', path: 'evil\x1b[2Jname.iso', detail: 'shorter than its volume descriptor says; held until it is whole' }],
      archive: { files: 3, bytes: 12_000_000_000 },
    },
    {
      dir: '/srv/empty',
      id: 'ffffffff',
      mode: 'read-only',
      state: 'halted',
      stateDetail: 'the marker is missing: mount the disk, then `systemctl reload isosyncd`',
      files: 0,
      bytes: 0,
      scan: { running: true, lastS: null, at: null },
      scrub: { ...noScrub, folder: '/srv/empty' },
      hosts: [],
      transfers: [],
      hashing: [],
      problems: [],
      archive: { files: 0, bytes: 0 },
    },
  ],
} // prettier-ignore

export const sampleWhere: WhereReport = {
  path: 'debian-12.iso',
  folder: '/srv/iso',
  everywhere: false,
  hosts: [
    { host: 'iso1:58889', state: 'whole', percent: 100, root: 'a'.repeat(64), detail: '' },
    { host: 'iso2:58889', state: 'partial', percent: 52.9, root: null, detail: 'being fetched' },
    { host: 'iso3:58889', state: 'unreachable', percent: 0, root: null, detail: 'name does not resolve' },
  ],
}
