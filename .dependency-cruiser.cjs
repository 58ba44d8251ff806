/** The house (README, "Layout"): main -> daemon -> engine -> { scan -> fs, net, db, api } -> sync -> base */
const rooms = ['base', 'sync', 'config', 'fs', 'scan', 'db', 'net', 'api', 'engine', 'cli']
const mayImport = {
  base: [],
  sync: ['base'],
  config: ['base', 'sync'],
  fs: ['sync', 'base'],
  scan: ['fs', 'sync', 'base'],
  db: ['sync', 'base'],
  net: ['sync', 'base'],
  api: ['sync', 'base'],
  engine: ['scan', 'fs', 'net', 'db', 'api', 'sync', 'base'],
  cli: ['api', 'config', 'sync', 'base'],
}
const walls = rooms.map((room) => ({
  name: `${room}-looks-only-down`,
  comment: `${room}/ may use only: ${mayImport[room].join(', ') || 'nothing of ours'}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: [room, ...mayImport[room]].map((r) => `^src/${r}/`) },
}))
module.exports = {
  forbidden: [
    ...walls,
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'the-core-is-pure',
      comment: 'sync/ must not touch node:*: time, chance and files are arguments',
      severity: 'error',
      from: { path: '^src/sync/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'only-db-speaks-sql',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/db/' },
      to: { path: 'better-sqlite3' },
    },
    {
      name: 'only-net-knows-libp2p',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/net/' },
      to: { path: 'node_modules/(@chainsafe/|@)?libp2p' },
    },
    {
      name: 'only-fs-opens-the-tree',
      comment: 'fs/ is the only door to the tree',
      severity: 'error',
      from: {
        path: '^src/(engine|scan|net|db|sync)/',
        pathNot: '^src/(scan/(hash-worker|check-worker|watcher)|db/open|net/identity)',
      },
      to: { path: '^(node:)?fs(/promises)?$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.cjs'] },
  },
}
