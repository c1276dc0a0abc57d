/**
 * What of an approval nobody may read in the database: the request itself, until it cannot leave any more, and an answer
 * that the broker keeps for the agent. Guarantee, against whoever can write the database but has not the key: what
 * opens was sealed for this row, its provider, environment and version of the credential, and a request opens only
 * where it is the one whose digest stands in the document that a person signed.
 */
import { requestDigest, type ApprovableRequest, type ApprovalDocument } from '../core/approval.ts'
import { canonicalize } from '../core/canonical.ts'
import type { Db, Tx } from '../db/open.ts'
import type { ApprovalId } from '../ids.ts'
import type { Approval } from './store.ts'

/** What a sealed value belongs to; see vault/seal.ts. */
export type ApprovalBinding = {
  readonly table: 'approval' | 'approval_answer'
  readonly id: string
  readonly provider: string
  readonly environment: string
  /** Of the credential that the request goes out with. */
  readonly version: number
}

/** Handed in by the broker, as this folder knows no vault. */
export type ApprovalSealer = {
  readonly kekId: () => string
  seal(plaintext: Buffer, binding: ApprovalBinding): Promise<Buffer>
  /** Undefined where it does not open: it must not be sent, or shown, then. */
  open(sealed: Buffer, binding: ApprovalBinding): Promise<Buffer | undefined>
}

export type SealedValue = { readonly kekId: string; readonly sealed: Buffer }

/** A request and the document that a person will read about it, which belong together. */
export type SealedRequest = SealedValue & {
  readonly document: ApprovalDocument
  readonly request: Omit<ApprovableRequest, 'body'>
}

/** Seals a request, to be parked. Throws a RangeError where the document is about another one. */
export async function sealRequest(
  sealer: ApprovalSealer,
  document: ApprovalDocument,
  request: ApprovableRequest,
): Promise<SealedRequest> {
  const { body, ...rest } = request
  if (
    requestDigest(request) !== document.requestDigest ||
    request.agentId !== document.agent.id ||
    (request.actors ?? []).join() !== (document.actors ?? []).map(({ id }) => id).join() ||
    request.grantId !== document.grantId ||
    request.environmentId !== document.environment.id ||
    request.provider !== document.provider
  )
    throw new RangeError('the document is about another request')
  const text = canonicalize({ ...rest, body: body?.toString('base64') })
  const kekId = sealer.kekId()
  const sealed = await sealer.seal(Buffer.from(text), {
    table: 'approval',
    id: document.id,
    provider: request.provider,
    environment: request.environmentId,
    version: request.credential.version,
  })
  return { document, request: rest, kekId, sealed }
}

/** Seals an answer, as bytes of the caller's own making, for the agent to fetch. */
export async function sealAnswer(
  sealer: ApprovalSealer,
  approval: Approval,
  answer: Buffer,
): Promise<SealedValue> {
  const kekId = sealer.kekId()
  return { kekId, sealed: await sealer.seal(answer, bindingOf('approval_answer', approval)) }
}

/** The request that was approved. Undefined where it is gone, does not open, or is another than was approved. */
export async function openRequest(
  db: Db | Tx,
  sealer: ApprovalSealer,
  approval: Approval,
): Promise<ApprovableRequest | undefined> {
  const sealed = (await sealedValues(db, approval))?.sealed_request
  if (sealed == null) return undefined
  const opened = await sealer.open(sealed, bindingOf('approval', approval))
  if (opened === undefined) return undefined
  const { body, ...rest } = JSON.parse(opened.toString('utf8')) as Omit<
    ApprovableRequest,
    'body'
  > & { readonly body?: string }
  const request = { ...rest, body: body === undefined ? undefined : Buffer.from(body, 'base64') }
  return requestDigest(request) === approval.document.requestDigest ? request : undefined
}

/** The answer that was kept. Undefined where there is none, not any more, or it does not open. */
export async function openAnswer(
  db: Db | Tx,
  sealer: ApprovalSealer,
  approval: Approval,
): Promise<Buffer | undefined> {
  const sealed = (await sealedValues(db, approval))?.sealed_answer
  return sealed == null ? undefined : sealer.open(sealed, bindingOf('approval_answer', approval))
}

function sealedValues(db: Db | Tx, { id }: Approval) {
  const values = db.selectFrom('approval').select(['sealed_request', 'sealed_answer'])
  return values.where('id', '=', id).executeTakeFirst()
}

/**
 * Each sealed value as `rewrap` gives it back, under the key-encryption key `kekId`. Returns how many there were;
 * rejects where `rewrap` does.
 */
export async function rewrapApprovals(
  tx: Tx,
  kekId: string,
  rewrap: (sealed: Buffer, binding: ApprovalBinding) => Promise<Buffer>,
): Promise<number> {
  const rows = await tx
    .selectFrom('approval')
    .select([
      'id',
      'provider',
      'environment_id as environmentId',
      'credential_version as version',
      'sealed_request',
      'sealed_answer',
    ])
    .where('kek_id', 'is not', null)
    .execute()
  let count = 0
  for (const { sealed_request, sealed_answer, ...row } of rows) {
    const again = async (
      table: ApprovalBinding['table'],
      sealed: Buffer | null,
    ): Promise<Buffer | null> => {
      if (sealed === null) return null
      count++
      return rewrap(sealed, bindingOf(table, { ...row, credential: row }))
    }
    await tx
      .updateTable('approval')
      .set({
        sealed_request: await again('approval', sealed_request),
        sealed_answer: await again('approval_answer', sealed_answer),
        kek_id: kekId,
      })
      .where('id', '=', row.id)
      .execute()
  }
  return count
}

function bindingOf(
  table: ApprovalBinding['table'],
  row: {
    readonly id: ApprovalId
    readonly provider: string
    readonly environmentId: string
    readonly credential: { readonly version: number }
  },
): ApprovalBinding {
  return {
    table,
    id: row.id,
    provider: row.provider,
    environment: row.environmentId,
    version: row.credential.version,
  }
}
