/**
 * The one place that builds a libp2p node, and all that we use of libp2p: TCP, Noise, yamux and our two protocols. No
 * identify, discovery, relay or port mapping: this daemon only talks to known_hosts.
 */
import { hkdfSync } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { generateKeyPairFromSeed, privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import {
  type ComponentLogger,
  type Libp2p,
  type Logger,
  type MultiaddrConnection,
  type PrivateKey,
} from '@libp2p/interface'
import { type TCPSocketOptions } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { type Clock } from '../base/clock.ts'
import { type Redacted } from '../base/redacted.ts'
import { boundedYamux, type BoundedMuxerNeeds } from './bounded-muxer.ts'
import { type FailedHandshakes } from './failed-handshakes.ts'
import { fastNoise } from './fast-noise.ts'
import { type Admits, gatedTcp } from './gated-tcp.ts'
import * as limits from './limits.ts'
import { SOCKET_BUFFER_BYTES, tuneConnection } from './stream-tuning.ts'

/** All our streams start with it, so both sides must have the same: part of the protocol. The requester's credit is what bounds memory. */
const STREAM_WINDOW_BYTES = limits.MAX_CREDIT_BYTES
/** Bytes that come before our handler has taken the stream: the first messages of a proof. */
const MAX_EARLY_BYTES = 1 << 20
/** More than ever waits in a stream: a piece stream holds one message, a control stream is cut off before. */
const MAX_WRITE_BUFFER_BYTES = 2 * limits.MAX_QUEUED_MESSAGE_BYTES
/** One address of a name that does not answer must not keep us from the next. */
const ADDRESS_TIMEOUT_MS = 6_000
const DIAL_TIMEOUT_MS = 20_000
const SEED_BYTES = 32

export interface NodeOptions {
  readonly listenPort: number
  readonly listenAddresses: readonly string[]
  readonly identity: PrivateKey
  readonly networkSecret: Redacted<string> | null
}

export interface NodeNeeds {
  readonly admits: Admits
  readonly clock: Pick<Clock, 'elapsed'>
  readonly handshakes: Pick<FailedHandshakes, 'watch'>
  /** That host broke a bound of the connection, and is cut off. */
  readonly breached: BoundedMuxerNeeds['breached']
}

export async function createNode(options: NodeOptions, needs: NodeNeeds): Promise<Libp2p> {
  const encrypter = fastNoise(prologueOf(options.networkSecret))
  return createLibp2p({
    privateKey: options.identity,
    start: false,
    logger: silentLogger,
    addresses: { listen: options.listenAddresses.map((address) => listenAddress(address, options.listenPort)) },
    transports: [gatedTcp({ dialOpts: dialOptions(options.listenAddresses), listenOpts: socketOptions }, needs.admits)],
    connectionEncrypters: [(components: unknown) => needs.handshakes.watch(encrypter(components))],
    streamMuxers: [
      boundedYamux(
        {
          windowBytes: STREAM_WINDOW_BYTES,
          enableKeepAlive: false,
          maxEarlyStreams: limits.MAX_PROOFS_PER_CONNECTION,
          maxInboundStreams: limits.MAX_STREAMS_PER_CONNECTION,
          maxOutboundStreams: limits.MAX_STREAMS_PER_CONNECTION,
          streamOptions: {
            initialStreamWindowSize: STREAM_WINDOW_BYTES,
            maxStreamWindowSize: STREAM_WINDOW_BYTES,
            maxReadBufferLength: MAX_EARLY_BYTES,
            maxWriteBufferLength: MAX_WRITE_BUFFER_BYTES,
          },
        },
        needs,
      ),
    ],
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: limits.MAX_CONNECTIONS,
      inboundConnectionThreshold: limits.MAX_CONNECTIONS_PER_ADDRESS_AND_SECOND,
      maxIncomingPendingConnections: limits.MAX_PENDING_HANDSHAKES,
      inboundUpgradeTimeout: limits.PROOF_TIMEOUT_MS,
      addressDialTimeout: ADDRESS_TIMEOUT_MS,
      dialTimeout: DIAL_TIMEOUT_MS,
    },
    connectionGater: {
      denyDialMultiaddr: () => false,
      // Not questions to us, but the first moments at which a connection can be had.
      denyInboundConnection: (connection: MultiaddrConnection) => {
        tuneConnection(connection)
        return false
      },
      denyOutboundEncryptedConnection: (_peer, connection: MultiaddrConnection) => {
        tuneConnection(connection)
        return false
      },
      denyInboundUpgradedConnection: isOver,
      denyOutboundUpgradedConnection: isOver,
    },
  })
}

/**
 * A connection that ends while it is being set up never says so: libp2p would count it for ever, until no more are
 * let in. So what came with the handshake is taken first.
 */
async function isOver(_peer: unknown, connection: MultiaddrConnection): Promise<boolean> {
  await nextTurn()
  return connection.status !== 'open'
}

/** A libp2p key from the 32 bytes of an Ed25519 seed, or from libp2p's own protobuf form. */
export async function identityFrom(bytes: Uint8Array): Promise<PrivateKey> {
  if (bytes.byteLength === SEED_BYTES) return generateKeyPairFromSeed('Ed25519', bytes)
  const key = privateKeyFromProtobuf(bytes)
  if (key.type !== 'Ed25519') throw new Error(`the identity is a key of type ${key.type}, not Ed25519`)
  return key
}

/** Without the same network_secret on both sides the handshakes differ, and fail at the second message. */
function prologueOf(secret: Redacted<string> | null): Uint8Array {
  if (secret === null) return new TextEncoder().encode('isosync/1')
  return new Uint8Array(hkdfSync('sha256', secret.reveal(), '', 'isosync/1 network', 32))
}

function listenAddress(address: string, port: number): string {
  return `/${address.includes(':') ? 'ip6' : 'ip4'}/${address}/tcp/${port}`
}

/** A lane may have nothing to say for hours: routers that forget silent connections forget them in minutes. */
const KEEPALIVE_AFTER_MS = 60_000

/** Handed on to net.connect and net.createServer, each of which knows one of the names of the buffer. */
const socketOptions: TCPSocketOptions = {
  noDelay: true,
  keepAlive: true,
  ...{ keepAliveInitialDelay: KEEPALIVE_AFTER_MS },
  ...{ writableHighWaterMark: SOCKET_BUFFER_BYTES, highWaterMark: SOCKET_BUFFER_BYTES },
}

/** A host that listens on one address only also calls from it, so that others know it by that address. */
function dialOptions(listenAddresses: readonly string[]): TCPSocketOptions {
  const [address] = listenAddresses
  const one = listenAddresses.length === 1 && address !== '0.0.0.0' && address !== '::'
  return one ? { ...socketOptions, ...{ localAddress: address } } : socketOptions
}

/** libp2p's own log speaks to its developers; what an operator needs to know we say ourselves. */
export const silentLogger: ComponentLogger = { forComponent: () => silent }
const silent: Logger = Object.assign(() => {}, {
  error: () => {},
  trace: () => {},
  enabled: false,
  newScope: () => silent,
})
