/** `npm run chaos [-- KILLS]`: kills daemons in the middle of larger transfers. Exit status 0 if nothing went wrong. */
import { killInTransfers } from './kills.ts'

const kills = Number(process.argv[2] ?? 100)
const killed = await killInTransfers({ kills, bytes: 60 << 20, kBPerSecond: 30_000 })
console.log(JSON.stringify({ bench: 'chaos', kills, killed }))
