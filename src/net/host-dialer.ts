/**
 * One line of known_hosts: resolves it, dials it, and tries again for ever, whatever happens.
 *
 *     resolve (again at each try) -> dial each address -> connected until the last connection to that peer is gone
 *     failed -> wait (backoff.ts) -> again          this host itself -> only look whether the line resolves anew
 */
import { type Multiaddr } from '@multiformats/multiaddr'
import { isIP } from 'node:net'
import { type HostName } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { dialAddress, type HostLine, normaliseAddress, parseHostLine } from './address.ts'
import { backoffMs } from './backoff.ts'
import { explainDialError } from './dial-error.ts'

export type DialState =
  'connecting' | 'connected' | 'self' | 'clone' | 'unresolved' | 'unreachable' | 'refused' | 'wrong-network-secret'

/** A connection that held so long was a good one: the next failure is the first. */
const GOOD_CONNECTION_MS = 10_000
/** How often we look whether a line that names this host resolves to something else. */
const SELF_CHECK_MS = 60_000

export interface HostDialerNeeds {
  readonly clock: Clock
  readonly log: Log
  /** 0 to 1. */
  readonly random: () => number
  /** All addresses of a name; rejects when there are none. */
  readonly resolve: (name: string) => Promise<readonly string[]>
  /** Connects; gives the peer id that was found there. */
  readonly dial: (addresses: Multiaddr[]) => Promise<string>
  readonly isConnected: (peerId: string) => boolean
  /** The same, by one of these (normalised) addresses. */
  readonly isConnectedAt: (peerId: string, addresses: readonly string[]) => boolean
  /** The line has resolved anew, or a peer was found behind it. */
  readonly changed: (dialer: HostDialer) => void
}

export class HostDialer {
  readonly line: HostName
  readonly #parsed: HostLine
  readonly #needs: HostDialerNeeds
  #addresses: readonly string[] = []
  #peerId: string | null = null
  #state: DialState = 'connecting'
  #why = ''
  #failures = 0
  #nextTryMs: number | null = null
  #closed = false
  #wake: () => void = () => {}
  #firstResolved = Promise.withResolvers<void>()

  constructor(options: { line: HostName }, needs: HostDialerNeeds) {
    const parsed = parseHostLine(options.line)
    if (parsed === null) throw new Error(`'${options.line}' is no line of known_hosts: write name:port`)
    this.line = options.line
    this.#parsed = parsed
    this.#needs = needs
    void this.#run()
  }

  /** Normalised addresses of the last resolution. */
  get addresses(): readonly string[] {
    return this.#addresses
  }
  get port(): number {
    return this.#parsed.port
  }
  /** The peer that was last found behind this line. */
  get peerId(): string | null {
    return this.#peerId
  }
  get state(): DialState {
    return this.#state
  }
  get why(): string {
    return this.#why
  }
  /** Milliseconds until the next try; null while there is none. */
  nextTryInMs(): number | null {
    return this.#nextTryMs === null ? null : Math.max(0, this.#nextTryMs - this.#needs.clock.elapsed())
  }

  /** The peer behind this line has connected to us. */
  found(peerId: string): void {
    if (this.#peerId === peerId && this.#state === 'connected') return
    this.#peerId = peerId
    this.#wake()
  }

  /** Whether that peer may be the one behind this line: it is not this host, and no other is connected from there. */
  isFreeFor(peerId: string): boolean {
    if (this.#state === 'self') return false
    const found = this.#peerId
    // A copy that has got an identity of its own leaves its line to the original, which is connected from elsewhere.
    return found === null || found === peerId || !this.#needs.isConnectedAt(found, this.#addresses)
  }

  /** Tries now, or looks again whether it is connected. */
  poke(): void {
    this.#wake()
  }

  /** Resolves again, outside of any dial. */
  async refresh(): Promise<void> {
    await (this.#state === 'connecting' ? this.#firstResolved.promise : this.#resolve().catch(() => {}))
  }

  close(): void {
    this.#closed = true
    this.#firstResolved.resolve()
    this.#wake()
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      if (this.#isConnected()) await this.#stayConnected()
      else if (await this.#try()) continue
      else await this.#wait(this.#state === 'self' ? SELF_CHECK_MS : backoffMs(this.#failures, this.#needs.random()))
    }
  }

  #isConnected(): boolean {
    return this.#peerId !== null && this.#needs.isConnected(this.#peerId)
  }

  async #stayConnected(): Promise<void> {
    const since = this.#needs.clock.elapsed()
    this.#set('connected', '')
    this.#needs.changed(this)
    while (!this.#closed && this.#isConnected()) await this.#wait(null)
    if (this.#needs.clock.elapsed() - since >= GOOD_CONNECTION_MS) this.#failures = 0
    else if (!this.#closed) {
      this.#failures++
      this.#set('unreachable', 'the connection ended soon after it was made')
      await this.#wait(backoffMs(this.#failures, this.#needs.random()))
    }
  }

  /** True when there is a connection now. */
  async #try(): Promise<boolean> {
    const before = this.#addresses.join()
    try {
      await this.#resolve()
    } catch (error) {
      return this.#failed(
        'unresolved',
        `${this.#parsed.name} does not resolve (${codeOf(error)}): is the name right, and does DNS work here?`,
      )
    } finally {
      this.#firstResolved.resolve()
    }
    if (this.#closed || (this.#state === 'self' && this.#addresses.join() === before)) return false
    if (this.#state !== 'connecting') this.#set('connecting', this.#why)
    return this.#dial()
  }

  async #dial(): Promise<boolean> {
    const { port } = this.#parsed
    try {
      this.#peerId = await this.#needs.dial(this.#addresses.map((address) => dialAddress(address, port)))
      return (
        this.#isConnected() || this.#failed('refused', `${this.line} closed the connection right after it was made`)
      )
    } catch (error) {
      const { state, why } = explainDialError(error, this.line)
      if (state !== 'self') return this.#isConnected() || this.#failed(state, why)
      if (this.#state !== 'self') this.#needs.log.debug({ host: this.line }, `${this.line} is this host itself`)
      this.#set('self', why)
      return false
    }
  }

  async #resolve(): Promise<void> {
    const { name } = this.#parsed
    const found = isIP(name) > 0 ? [name] : await this.#needs.resolve(name)
    if (found.length === 0) throw new Error('no addresses')
    this.#addresses = [...new Set(found.map(normaliseAddress))]
  }

  #failed(state: DialState, why: string): false {
    const news = state !== this.#state && why !== this.#why
    this.#failures++
    this.#set(state, why)
    if (news && !this.#closed)
      this.#needs.log.warn({ host: this.line, state }, `${this.line}: ${why}; trying again by itself`)
    return false
  }

  #set(state: DialState, why: string): void {
    this.#state = state
    this.#why = why
  }

  /** Until woken, or `ms` have passed. */
  async #wait(ms: number | null): Promise<void> {
    if (this.#closed) return
    const { clock } = this.#needs
    this.#nextTryMs = ms === null ? null : clock.elapsed() + ms
    await new Promise<void>((resolve) => {
      const stop = ms === null ? () => {} : clock.after(ms, resolve)
      this.#wake = () => {
        stop()
        resolve()
      }
    })
    this.#wake = () => {}
    this.#nextTryMs = null
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code)
  return error instanceof Error ? error.message : String(error)
}
