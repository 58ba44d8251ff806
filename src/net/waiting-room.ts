/**
 * Connections to this host that have proven nothing yet: silent, in the middle of a handshake, or without the secret
 * of any folder. Each address gets a few places, and all addresses that are no known host's share some: so whoever
 * comes in thousands, and says nothing or rubbish, does not keep a known host out. Nor do they begin as many handshakes
 * as they like.
 */
import { type Socket } from 'node:net'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import * as limits from './limits.ts'
import { SeldomLog } from './seldom-log.ts'

/** One line in the log for one address in this time. */
const LOG_EVERY_MS = 60_000

type Waiting = Pick<Socket, 'once' | 'destroy' | 'destroyed'>

export interface WaitingRoomNeeds {
  readonly clock: Pick<Clock, 'after' | 'elapsed'>
  readonly log: Log
}

export class WaitingRoom {
  readonly #needs: WaitingRoomNeeds
  readonly #seldom: SeldomLog
  readonly #byAddress = new Map<string, number>()
  readonly #leave = new WeakMap<Waiting, () => void>()
  #strangers = 0
  /** Strangers' handshakes that may begin now. */
  #beginnings = limits.MAX_STRANGERS_AT_ONCE
  #countedMs: number

  constructor(needs: WaitingRoomNeeds) {
    this.#needs = needs
    this.#countedMs = needs.clock.elapsed()
    this.#seldom = new SeldomLog({ everyMs: LOG_EVERY_MS }, needs)
  }

  /** False if there is no place for it. `known`: the address is that of a known host. */
  enter(socket: Waiting, address: string, known: boolean): boolean {
    const here = this.#byAddress.get(address) ?? 0
    const full = here >= limits.MAX_UNPROVEN_PER_ADDRESS || (!known && this.#strangers >= limits.MAX_UNPROVEN_STRANGERS)
    if (full || socket.destroyed) {
      if (full) this.#log(address)
      return false
    }
    this.#byAddress.set(address, here + 1)
    if (!known) this.#strangers++
    const stop = known ? () => {} : this.#hurry(socket)
    const leave = () => {
      if (!this.#leave.delete(socket)) return
      stop()
      if (!known) this.#strangers--
      const left = (this.#byAddress.get(address) ?? 1) - 1
      if (left > 0) this.#byAddress.set(address, left)
      else this.#byAddress.delete(address)
    }
    this.#leave.set(socket, leave)
    socket.once('close', leave)
    return true
  }

  /** False if it may not begin a handshake: too many strangers have begun one lately. */
  begins(known: boolean): boolean {
    if (known) return true
    const now = this.#needs.clock.elapsed()
    const earned = ((now - this.#countedMs) / 1000) * limits.MAX_STRANGERS_PER_SECOND
    this.#beginnings = Math.min(limits.MAX_STRANGERS_AT_ONCE, this.#beginnings + earned)
    this.#countedMs = now
    if (this.#beginnings < 1) return false
    this.#beginnings--
    return true
  }

  /** It has proven the secret of a folder, and needs no place any more. */
  leave(socket: Waiting): void {
    this.#leave.get(socket)?.()
  }

  #hurry(socket: Waiting): () => void {
    const late = () => void socket.destroy()
    return this.#needs.clock.after(limits.UNPROVEN_STRANGER_MS, late)
  }

  #log(address: string): void {
    this.#seldom.log(address, () =>
      this.#needs.log.warn(
        { address },
        `refusing connections from ${address}: too many are open that have proven nothing. Known hosts are not held up by it`,
      ),
    )
  }
}
