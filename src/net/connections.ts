/** The open connections by the peer at their other end, and what becomes of those that are not needed. */
import { type Connection } from '@libp2p/interface'
import { type Clock } from '../base/clock.ts'

/** A second connection to a host gets this long for its streams to appear before it is closed as not needed. */
const SPARE_MS = 3_000

export class Connections {
  readonly #clock: Pick<Clock, 'after' | 'elapsed'>
  readonly #openedMs = new WeakMap<Connection, number>()
  readonly #byPeer = new Map<string, Set<Connection>>()

  constructor(needs: { clock: Pick<Clock, 'after' | 'elapsed'> }) {
    this.#clock = needs.clock
  }

  add(connection: Connection): void {
    this.#openedMs.set(connection, this.#clock.elapsed())
    const peerId = connection.remotePeer.toString()
    this.#byPeer.set(peerId, (this.#byPeer.get(peerId) ?? new Set()).add(connection))
  }

  /** By how much it was opened after `other`. */
  youngerByMs(connection: Connection, other: Connection): number {
    return (this.#openedMs.get(connection) ?? 0) - (this.#openedMs.get(other) ?? 0)
  }

  /** True if it was the last to that peer. */
  remove(connection: Connection): boolean {
    const peerId = connection.remotePeer.toString()
    const connections = this.#byPeer.get(peerId)
    connections?.delete(connection)
    return connections?.size === 0 && this.#byPeer.delete(peerId)
  }

  of(peerId: string): readonly Connection[] {
    return [...(this.#byPeer.get(peerId) ?? [])]
  }

  has(peerId: string): boolean {
    return this.#byPeer.has(peerId)
  }

  all(): readonly Connection[] {
    return [...this.#byPeer.values()].flatMap((connections) => [...connections])
  }

  /** A peer is proven on `proven`: its other connections are closed if nothing uses them, and they are no lanes. */
  dropSpares(proven: Connection, isLane: (connection: Connection) => boolean): void {
    this.#clock.after(SPARE_MS, () => {
      if (proven.status !== 'open') return
      for (const spare of this.of(proven.remotePeer.toString()))
        if (spare !== proven && spare.streams.length === 0 && !isLane(spare))
          spare.close().catch((error: Error) => spare.abort(error))
    })
  }
}
