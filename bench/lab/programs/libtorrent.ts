/** libtorrent as it is found in Debian, without encryption, DHT and uTP: each is told of each, and no slot is kept back. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Program } from './program.ts'

const PYTHON = '/usr/bin/python3'
const SCRIPT = join(import.meta.dirname, 'torrent-host.py')
/** Until the sessions listen: nothing tells. */
const START_MS = 2000

export const libtorrent: Program = {
  name: 'libtorrent',
  title: 'libtorrent',
  missing() {
    try {
      execFileSync(PYTHON, ['-c', 'import libtorrent'], { stdio: 'ignore' })
      return null
    } catch {
      return 'not installed: apt-get install python3-libtorrent'
    }
  },
  unfit({ files, newPercent }) {
    if (newPercent !== undefined) return 'takes nothing from other files: it would send all'
    return files === undefined ? null : 'a torrent of so many files is not what it is for'
  },
  async start(pool) {
    const all = [...pool.scenario.sites.keys()]
    const torrent = join(pool.top, 'payload.torrent')
    for (const host of all) {
      const others = all.filter((other) => other !== host).map(pool.address)
      const words = [host === 0 ? 'seed' : 'leech', pool.address(host), torrent, pool.data(host), others.join(',')]
      pool.hosts.start(host, [PYTHON, SCRIPT, ...words], pool.log(host))
    }
    await sleep(START_MS)
    return {
      dropped: () =>
        void pool.hosts.start(0, [PYTHON, SCRIPT, 'make', join(pool.data(0), pool.payload), torrent], pool.log(0)),
      arrived: (host) => existsSync(join(pool.data(host), '.done')),
    }
  },
}
