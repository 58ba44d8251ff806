/** What a requester says on a stream of pieces, to and from bytes, within limits. */
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { assertNever } from '../base/assert.ts'
import { type FolderId, fromHex, type RootHash } from '../base/brand.ts'
import { MAX_PIECE_BYTES } from '../sync/piece-list.ts'
import * as limits from './limits.ts'
import { bytesOf, hexOf, ProtocolError, refuse, rootFrom, rootsFrom } from './record-codec.ts'
import { type Contents, type Pieces, PiecesFrameSchema } from './wire_pb.ts'

export type PiecesRequest =
  | { readonly type: 'open'; readonly folder: FolderId }
  | {
      readonly type: 'pieces'
      readonly id: number
      readonly root: RootHash
      readonly ordinals: readonly number[]
      readonly lengths: readonly number[]
    }
  | {
      readonly type: 'contents'
      readonly id: number
      readonly roots: readonly RootHash[]
      readonly lengths: readonly number[]
    }
  | { readonly type: 'list'; readonly id: number; readonly root: RootHash }
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'credit'; readonly bytes: number }

type RequestBody = NonNullable<MessageInitShape<typeof PiecesFrameSchema>['body']>

const FOLDER_ID_BYTES = 16

export function encodeRequest(request: PiecesRequest): Uint8Array {
  return toBinary(PiecesFrameSchema, create(PiecesFrameSchema, { body: requestBody(request) }))
}

function requestBody(request: PiecesRequest): RequestBody {
  switch (request.type) {
    case 'open':
      return { case: 'open', value: bytesOf(request.folder) }
    case 'pieces': {
      const { id, root, ordinals, lengths } = request
      return { case: 'pieces', value: { id, root: bytesOf(root), ordinals: [...ordinals], lengths: [...lengths] } }
    }
    case 'contents': {
      const { id, roots, lengths } = request
      return { case: 'contents', value: { id, roots: bytesOf(roots.join('')), lengths: [...lengths] } }
    }
    case 'list':
      return { case: 'list', value: { id: request.id, root: bytesOf(request.root) } }
    case 'cancel':
      return { case: 'cancel', value: request.id }
    case 'credit':
      return { case: 'credit', value: request.bytes }
    default:
      return assertNever(request)
  }
}

/** Throws ProtocolError for what is malformed or over a limit. */
export function decodeRequest(bytes: Uint8Array): PiecesRequest {
  const { body } = parse(bytes)
  switch (body.case) {
    case 'open':
      if (body.value.byteLength !== FOLDER_ID_BYTES) refuse('a folder id of wrong length')
      return { type: 'open', folder: fromHex(hexOf(body.value)) }
    case 'pieces':
      return piecesFrom(body.value)
    case 'contents':
      return contentsFrom(body.value)
    case 'list':
      return { type: 'list', id: body.value.id, root: rootFrom(body.value.root) }
    case 'cancel':
      return { type: 'cancel', id: body.value }
    case 'credit':
      if (body.value > limits.MAX_CREDIT_BYTES) refuse(`a credit of ${body.value} bytes`)
      return { type: 'credit', bytes: body.value }
    default:
      return refuse('a request of no known kind')
  }
}

function parse(bytes: Uint8Array) {
  try {
    return fromBinary(PiecesFrameSchema, bytes, { readUnknownFields: false })
  } catch {
    throw new ProtocolError('bytes that are not a request')
  }
}

function piecesFrom({ id, root, ordinals, lengths }: Pieces): PiecesRequest {
  if (ordinals.length === 0 || ordinals.length > limits.MAX_PIECES_PER_REQUEST)
    refuse(`a request for ${ordinals.length} pieces`)
  if (lengths.length !== ordinals.length) refuse('a request whose lengths do not match its pieces')
  checkLengths(lengths)
  return { type: 'pieces', id, root: rootFrom(root), ordinals, lengths }
}

function contentsFrom({ id, roots, lengths }: Contents): PiecesRequest {
  const wanted = rootsFrom(roots, limits.MAX_SMALL_CONTENTS)
  if (wanted.length === 0) refuse('a request for no contents')
  if (lengths.length !== wanted.length) refuse('a request whose lengths do not match its contents')
  checkLengths(lengths)
  return { type: 'contents', id, roots: wanted, lengths }
}

function checkLengths(lengths: readonly number[]): void {
  if (lengths.some((length) => length < 1 || length > MAX_PIECE_BYTES))
    refuse('a request for a piece of no legal length')
}
