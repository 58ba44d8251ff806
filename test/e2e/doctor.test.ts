/** `isosyncd doctor` explains each state it finds, with the daemon running and stopped, and changes nothing. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Finding } from '../../src/api/finding.ts'
import { Cluster, type Host, until } from './cluster.ts'
import { drop, reconfigure, report, settled } from './pool.ts'

describe('doctor', () => {
  let cluster: Cluster
  let host: Host
  const state = (name: string) => join(host.home, 'state', name)
  const marker = () => host.path('.sync', 'folder.json')

  before(async () => {
    cluster = await Cluster.start({ hosts: 2 })
    host = cluster.host(0)
    drop(host, 'a.iso', 50_000)
    drop(cluster.host(1), 'b.iso', 50_000)
    await settled(cluster)
  })
  after(() => cluster[Symbol.asyncDispose]())

  const findings = async (): Promise<{ code: number; all: Finding[] }> => {
    const { code, stdout, stderr } = await host.cli('doctor', '--json')
    assert.equal(stderr, '')
    return { code, all: JSON.parse(stdout) as Finding[] }
  }
  /** Asserts that the doctor finds it, ill, with what mends it. */
  const finds = async (what: RegExp, mend: RegExp): Promise<void> => {
    const { code, all } = await findings()
    const found = all.find((finding) => what.test(finding.what))
    assert.ok(found !== undefined, JSON.stringify(all, null, 1))
    assert.ok(found.level === 'warning' || found.level === 'critical', found.level)
    assert.match(found.mend ?? '', mend)
    assert.equal(code, 1)
  }

  test('finds nothing to mend on a host that is well, running', async () => {
    const { code, all } = await findings()
    assert.deepEqual(
      all.filter(({ level }) => level === 'warning' || level === 'critical'),
      [],
    )
    assert.equal(code, 0)
    assert.match((await host.cli('doctor')).stdout, /fine .*1 peer connected and proven[^]*All is well\.\n$/)
  })

  test('a peer that is down is said, but is nothing to mend here; nobody at all is', async () => {
    await cluster.host(1).kill('SIGTERM')
    const line = cluster.knownHosts()[1] ?? ''
    await until('it is seen', async () => (await report(host))?.hosts.some((h) => h.trouble === 'unreachable') === true)
    const { all } = await findings()
    assert.match(all.find(({ what }) => what.includes(`${line} is not connected`))?.mend ?? '', /start isosyncd there/)
  })

  test('a missing marker, while it runs', async () => {
    const text = readFileSync(marker())
    rmSync(marker())
    await host.cli('rescan')
    await until('it is halted', async () => (await report(host))?.state === 'halted')
    await finds(/is halted: the marker/, /mount the right disk/)
    writeFileSync(marker(), text)
    await host.cli('rescan')
    await until('it goes on', async () => (await report(host))?.state === 'synced')
  })

  test('stopped: says so, and that all else is well', async () => {
    await host.kill('SIGTERM')
    const index = readFileSync(state('index.db'))
    await finds(/the daemon is not running/, /systemctl start isosyncd/)
    const { all } = await findings()
    assert.deepEqual(all.filter(({ level, what }) => level !== 'fine' && !what.includes('not running')).map(({ what }) => what).filter((what) => !/^the clock/.test(what)), []) // prettier-ignore
    assert.ok(index.equals(readFileSync(state('index.db'))), 'the index is untouched')
  })

  test('stopped: a marker that is missing or foreign, and an identity that others can read', async () => {
    const text = readFileSync(marker(), 'utf8')
    rmSync(marker())
    await finds(/marker .* is missing/, /mount .*new-identity/)
    writeFileSync(marker(), text.replace(/"replica": "\w+"/, '"replica": "00000000000000aa"'))
    await finds(/that of another host or index \(00000000000000aa/, /new-identity/)
    writeFileSync(marker(), text.replace(/"folder": "\w+"/, `"folder": "${'0'.repeat(32)}"`))
    await finds(/that of another folder/, /mend the secret/)
    writeFileSync(marker(), text)
    chmodSync(state('identity.key'), 0o644)
    await finds(/identity\.key can be read by others/, /chmod 600/)
    chmodSync(state('identity.key'), 0o600)
  })

  test('stopped: little room, a name that does not resolve, a damaged index, a config with a mistake', async () => {
    reconfigure(host, (config) => {
      const [folder = {}] = config.shared_folders
      Object.assign(folder, { min_free_space: 1_000_000_000, known_hosts: ['no-such-host.invalid:1'] })
    })
    await finds(/min_free_space asks for/, /make room/)
    await finds(/no-such-host\.invalid does not resolve/, /mend the name/)
    truncateSync(state('index.db'), 5000)
    await finds(/index\.db is damaged/, /systemctl start isosyncd/)
    reconfigure(host, (config) => Object.assign(config, { listenig_port: 5 }))
    await finds(/listenig_port/, /mend that line/)
    rmSync(host.dir, { recursive: true })
    reconfigure(host, (config) => delete config['listenig_port'])
    await finds(/pool/, /./)
    mkdirSync(host.dir)
  })
})
