/** The verbs of the control socket as HTTP routes. Input is checked here; what the verbs do is the engine's. */
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { type z } from 'zod'
import {
  approveInput,
  archiveListInput,
  type ArchiveListing,
  archivePurgeInput,
  archiveRestoreInput,
  type PurgeReport,
  type PurgeWhat,
  heldInput,
  type HeldReport,
  newIdentityInput,
  type NewIdentityReport,
  rescanInput,
  type RescanReport,
  type RestoreReport,
  scrubInput,
  type ScrubReport,
  type StatusReport,
  whereInput,
  type WhereReport,
} from './api-types.ts'
import { ControlError, statusOfCode } from './control-error.ts'
import { chooseFolder, chooseFolders, choosePath } from './folder-choice.ts'

/**
 * What the daemon can do for a sub-command. `folder` is always the `dir` of one of `status().folders`; paths are relative
 * to it and not yet checked. Trouble that the operator should read is thrown as ControlError.
 */
export interface ControlVerbs {
  status(): StatusReport
  where(folder: string, path: string): Promise<WhereReport>
  /** Starts a scan of these folders; does not wait for its end. */
  rescan(folders: readonly string[]): Promise<RescanReport>
  /** Lets go what the brake holds; with `path`, takes that file as it is although it is held or does not look whole. */
  approve(folder: string, path: string | null): Promise<HeldReport>
  /** Brings back what the brake holds. */
  discard(folder: string): Promise<HeldReport>
  /** How far scrubbing is; with `now`, starts to read all files, or that of `path`, at once. */
  scrub(folder: string, path: string | null, now: boolean): Promise<ScrubReport>
  /** Sets identity and index aside, and starts anew with new ones. */
  newIdentity(): Promise<NewIdentityReport>
  archiveList(folder: string): Promise<ArchiveListing>
  /** `to` is where it shall stand; its own path if null. Something there is 'in-the-way'. */
  archiveRestore(folder: string, name: string, to: string | null): Promise<RestoreReport>
  archivePurge(folder: string, what: PurgeWhat): Promise<PurgeReport>
}

/** The largest request is two paths of 4,096 bytes, escaped. */
const MAX_REQUEST_BYTES = 64 * 1024

export function createControlApp(verbs: ControlVerbs): Hono {
  const app = new Hono()
  const folders = () => verbs.status().folders
  const tooLarge = new ControlError('bad-request', `a request may have ${MAX_REQUEST_BYTES} bytes at most`)
  app.use(bodyLimit({ maxSize: MAX_REQUEST_BYTES, onError: (c) => answerError(c, tooLarge) }))
  app.get('/status', (c) => c.json(verbs.status()))
  app.post('/where', async (c) => {
    const input = await inputOf(c, whereInput)
    const { dir, path } = choosePath(folders(), input.folder, input.path)
    return c.json(await verbs.where(dir, path))
  })
  app.post('/rescan', async (c) => {
    const { folder } = await inputOf(c, rescanInput)
    return c.json(await verbs.rescan(chooseFolders(folders(), folder).map((f) => f.dir)))
  })
  app.post('/approve', async (c) => {
    const input = await inputOf(c, approveInput)
    if (input.path !== undefined) {
      const { dir, path } = choosePath(folders(), input.folder, input.path)
      return c.json([await verbs.approve(dir, path)])
    }
    const chosen = chooseFolders(folders(), input.folder)
    return c.json(await Promise.all(chosen.map((f) => verbs.approve(f.dir, null))))
  })
  app.post('/discard', async (c) => {
    const { folder } = await inputOf(c, heldInput)
    return c.json(await Promise.all(chooseFolders(folders(), folder).map((f) => verbs.discard(f.dir))))
  })
  app.post('/scrub', async (c) => {
    const { folder, path, now = false } = await inputOf(c, scrubInput)
    if (path !== undefined) {
      const chosen = choosePath(folders(), folder, path)
      return c.json([await verbs.scrub(chosen.dir, chosen.path, now)])
    }
    return c.json(await Promise.all(chooseFolders(folders(), folder).map((f) => verbs.scrub(f.dir, null, now))))
  })
  app.post('/new-identity', async (c) => {
    await inputOf(c, newIdentityInput)
    return c.json(await verbs.newIdentity())
  })
  app.post('/archive/list', async (c) => {
    const { folder } = await inputOf(c, archiveListInput)
    return c.json(await Promise.all(chooseFolders(folders(), folder).map((f) => verbs.archiveList(f.dir))))
  })
  app.post('/archive/restore', async (c) => {
    const { folder, name, to } = await inputOf(c, archiveRestoreInput)
    return c.json(await verbs.archiveRestore(chooseFolder(folders(), folder).dir, name, to ?? null))
  })
  app.post('/archive/purge', async (c) => {
    const { folder, what } = await inputOf(c, archivePurgeInput)
    return c.json(await verbs.archivePurge(chooseFolder(folders(), folder).dir, what))
  })
  app.notFound((c) =>
    answerError(c, new ControlError('bad-request', `the daemon knows no ${c.req.method} ${c.req.path}`)),
  )
  app.onError((error, c) => answerError(c, error))
  return app
}

async function inputOf<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const body: unknown = await c.req.json().catch(() => null)
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new ControlError(
    'bad-request',
    `the request does not fit: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
  )
}

function answerError(c: Context, error: Error): Response {
  const code = error instanceof ControlError ? error.code : 'failed'
  return c.json({ error: code, message: error.message }, statusOfCode[code])
}
