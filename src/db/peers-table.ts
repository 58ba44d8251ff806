/** The table `peer`: how far each peer and this host know each other's records of one folder. */
import { type ReplicaId } from '../base/brand.ts'
import { blobOf, hexOf } from './blob.ts'
import { type PeerProgress } from './index-port.ts'
import { type Connection } from './open-connection.ts'

export class PeersTable {
  readonly #folder: number
  readonly #get
  readonly #all
  readonly #set

  constructor(db: Connection, folder: number) {
    this.#folder = folder
    this.#get = db.prepare<[number, Uint8Array], PeerProgress>(
      'SELECT received, acknowledged FROM peer WHERE folder = ? AND replica = ?',
    )
    this.#all = db.prepare<[number], Uint8Array>('SELECT replica FROM peer WHERE folder = ? ORDER BY replica').pluck()
    const upsert = (column: keyof PeerProgress) =>
      db.prepare<[number, Uint8Array, number]>(
        `INSERT INTO peer (folder, replica, ${column}) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET ${column} = excluded.${column}`,
      )
    this.#set = { received: upsert('received'), acknowledged: upsert('acknowledged') }
  }

  progress(peer: ReplicaId): PeerProgress {
    return this.#get.get(this.#folder, blobOf(peer)) ?? { received: 0, acknowledged: 0 }
  }

  all(): readonly ReplicaId[] {
    return this.#all.all(this.#folder).map((replica) => hexOf<ReplicaId>(replica))
  }

  set(peer: ReplicaId, column: keyof PeerProgress, sequence: number): void {
    this.#set[column].run(this.#folder, blobOf(peer), sequence)
  }
}
