/**
 * Every number that comes from the wire has its bound here, checked before anything is allocated for it. A peer that
 * goes over a bound has broken the protocol and is disconnected.
 */
import { PACKED_PIECE_BYTES } from '../sync/piece-list.ts'
import { MOST_STRETCH_PIECES } from '../sync/stretch.ts'

// --- Before the proof: a stranger may make us hold this much, and no more.

/** HELLO and PROOF have some 60 and 110 bytes; twice that leaves room for later fields. */
export const MAX_UNPROVEN_FRAME_BYTES = 256
/** HELLO, PROOF and INTRO in one go: a stranger has nothing more to say. */
export const MAX_UNPROVEN_BYTES = 8 * 1024
/** A proof is two round trips of small messages; a host that takes longer is not there. */
export const PROOF_TIMEOUT_MS = 10_000
/** Proofs under way on one connection: more than any config has folders, few enough to hold in memory. */
export const MAX_PROOFS_PER_CONNECTION = 64
/** One yamux frame before the proof: protocol names, HELLO and PROOF are hundreds of bytes. */
export const MAX_UNPROVEN_MUXER_FRAME_BYTES = 16 * 1024
/** What may wait in the socket for a host that has proven nothing: it hears hundreds of bytes. */
export const MAX_UNPROVEN_UNREAD_BYTES = 256 * 1024
/** Connections of one address that have proven nothing: several hosts may stand behind it, each may dial twice. */
export const MAX_UNPROVEN_PER_ADDRESS = 16
/** The same of all addresses together that are no known host's (where those may connect at all). */
export const MAX_UNPROVEN_STRANGERS = 64
/** How long such a stranger may take for handshake and proof. */
export const UNPROVEN_STRANGER_MS = 20_000
/** What a host says first, it says at once; but a busy machine may get round to hearing it as late as this. */
export const OPENING_TIMEOUT_MS = 10_000
/** Handshakes of such strangers that are begun, each some 30 KB of garbage: a pool with all its lanes at once, */
export const MAX_STRANGERS_AT_ONCE = 64
/** and afterwards. */
export const MAX_STRANGERS_PER_SECOND = 4
/** Strangers that are kept waiting while DNS is asked whether they are known: the rest is refused at once. */
export const MAX_WAITING_FOR_DNS = 16
/** Handshakes that have not ended: each is a socket and some kilobytes; above what the bounds before it let in. */
export const MAX_PENDING_HANDSHAKES = 256
/** Connections that one address may open in a second: several known hosts may stand behind one address. */
export const MAX_CONNECTIONS_PER_ADDRESS_AND_SECOND = 32
/** Connections in all: 30 hosts that all dialled twice, several times over. */
export const MAX_CONNECTIONS = 300
/** Streams that one peer may hold open: a control and two piece streams for each folder. */
export const MAX_STREAMS_PER_CONNECTION = 512

/** Pings and new streams, each of which we must answer: all streams of all folders may be opened in one go. */
export const MAX_ANSWERS_AT_ONCE = 1_024
/** Afterwards: broken streams are opened again with pauses, and we send no pings at all. */
export const MAX_ANSWERS_PER_SECOND = 20
/** What may wait in the socket for a peer: four streams that each send a whole window into a slow one. */
export const MAX_UNREAD_BYTES = 64 << 20

// --- Messages of a folder.

/** One message, whatever it is: a page of records is the largest. */
export const MAX_MESSAGE_BYTES = 1 << 20
/** Records in one page: decoding and checking them takes some 100 ms. */
export const MAX_RECORDS_PER_PAGE = 1_000
/** PATH_MAX of Linux. */
export const MAX_PATH_BYTES = 4_096
/** Also PATH_MAX: a longer target cannot be made into a link. */
export const MAX_LINK_TARGET_BYTES = 4_096
/** Hosts that ever changed one path: a pool has tens. */
export const MAX_VERSION_REPLICAS = 1_000
/** Contents that a record says its path held before: four times what this version tells. */
export const MAX_EARLIER_CONTENTS = 60
/** One bit a piece: 128 GiB in the smallest pieces. Stays below a message. */
export const MAX_HAVE_BYTES = 512 * 1024
/** A piece list that comes with a 'have' unasked: 32 pieces of 34 bytes, so of any content up to 1 MiB. */
export const MAX_TOLD_LIST_BYTES = 32 * 34
/** Contents of one piece that are wanted, told or asked for in one message: 32 KiB of hashes. */
export const MAX_SMALL_CONTENTS = 1_000
/** A stretch of a file that is being hashed, with its piece list: some 35 KB. */
export const MAX_STRETCH_LIST_BYTES = MOST_STRETCH_PIECES * PACKED_PIECE_BYTES
/** Ordinals told in one 'gained': 50 ms at 10 GB/s, and below a message. */
export const MAX_GAINED_ORDINALS = 100_000
/** The highest ordinal: 128 TiB in the smallest pieces, and below 2^32. */
export const MAX_ORDINAL = 0xffff_ffff
/** Names and sentences for people, in UTF-16 units. */
export const MAX_TEXT_LENGTH = 500
/** INTRO has two names and some numbers. */
export const MAX_INTRO_BYTES = 4_096
/** Messages that wait for a peer to read: eight pages. One that does not read them is disconnected. */
export const MAX_QUEUED_MESSAGE_BYTES = 8 << 20

// --- Pieces.

/** Ordinals of one request: 128 MiB in the smallest pieces. */
export const MAX_PIECES_PER_REQUEST = 4_096
/** Fits MAX_PIECES_PER_REQUEST ordinals and lengths of 5 bytes each. */
export const MAX_REQUEST_BYTES = 64 * 1024
/** Requests of one peer that have not ended: 1 MiB each is the engine's habit, so this is far beyond its window. */
export const MAX_REQUESTS_PER_PEER = 256
/** Bytes that a server holds read and not yet sent, for one peer of one folder. */
export const MAX_READ_AHEAD_BYTES = 4 << 20
/** Bytes that a requester lets come before it has taken them: rate × round trip of 1 Gbit/s over 130 ms. */
export const MAX_CREDIT_BYTES = 16 << 20
/** The same for a near host: what is under way at 2 GB/s in 2 ms, and small enough to stay in the cache. */
export const MIN_CREDIT_BYTES = 4 << 20
/** Piece streams that one peer may hold open for one folder on one connection: one, and one that is just being closed. */
export const MAX_PIECE_STREAMS = 2
/** Lanes that one peer may open to us, and we to it: with its own connection six, 120 MB/s over 100 ms. */
export const MAX_LANES_PER_PEER = 5
/** Lanes in all: both ways to 10 far peers. Who gets none is asked on its own connection. */
export const MAX_LANES = 100
/** A lane's part of MAX_READ_AHEAD_BYTES and MAX_CREDIT_BYTES is never less: two of the longest pieces. */
export const MIN_LANE_BYTES = 1 << 20

// --- Life of a connection.

/** Between two signs of life on a quiet connection. */
export const KEEPALIVE_MS = 10_000
/** Signs of life missed in a row before the connection is taken for dead. */
export const MISSED_KEEPALIVES = 3
/** How long a peer that broke the protocol is shut out of that folder. */
export const BAN_MS = 3_600_000
