/**
 * One fact of the log. The fields are an allow-list: nothing gets into the log that has no field here, and none of
 * them holds a secret, a body or a header. What an agent wrote is cut to a length and stored as JSON, so that it can
 * neither break a line nor pose as an entry.
 */
import { createHash } from 'node:crypto'
import { canonicalize, type Canonical } from '../core/canonical.ts'
import type { ApprovalState } from '../core/approval.ts'
import type { Effect } from '../core/operation.ts'

export type Actor = {
  readonly kind: 'agent' | 'workload' | 'operator' | 'system'
  readonly id: string
  readonly name?: string | undefined
  /** The registered key that an agent signed with, `apk_…`. */
  readonly key?: string | undefined
}

/** Who a workload is, in its issuer's words, and the rule by which it acts as an agent. */
export type RecordedWorkload = {
  readonly issuer: string
  readonly subject: string
  /** `tr_…` */
  readonly rule: string
  /** The claims that the rule looked at; texts are cut. */
  readonly claims: Readonly<Record<string, string | number | boolean>>
}

export type RecordedOperation = {
  readonly name: string
  readonly effects: readonly Effect[]
  readonly added?: readonly Effect[] | undefined
  /** `<kind>:<id>`, as the request named them. */
  readonly resources: readonly string[]
}

type Common = {
  /** Milliseconds since the epoch, by the broker's clock. */
  readonly at: number
  readonly correlationId: string
  readonly actor: Actor
  /** For whom the actor acts, and for whom that one does: the last is the one whose grant it is. Absent where it is itself. */
  readonly onBehalfOf?: readonly Actor[] | undefined
  readonly environment?: { readonly id: string; readonly name: string } | undefined
  readonly provider?: string | undefined
  readonly grantId?: string | undefined
  readonly capabilityId?: string | undefined
}

/** What was decided about one request; for `allow` this is the intent, durable before anything leaves. */
export type DecisionEntry = Common & {
  readonly kind: 'decision'
  readonly result: 'allow' | 'needs_approval' | 'deny'
  readonly reason?: string | undefined
  /** What the reason speaks of: the missing verbs, the places outside, in the provider's own ids. */
  readonly about?: readonly string[] | undefined
  readonly operations: readonly RecordedOperation[]
  readonly method?: string | undefined
  /** The path without its query, which may hold what an agent should not have sent. */
  readonly path?: string | undefined
  /** SHA-256 of the body that was decided on, in hex. */
  readonly bodyDigest?: string | undefined
  readonly credential?: { readonly id: string; readonly version: number } | undefined
  /** The approval that it is sent with, which is used up by it. */
  readonly approvalId?: string | undefined
  /** The break-glass that it goes with in place of an approval. */
  readonly breakGlassId?: string | undefined
}

/** A step of an approval: parked, decided on, taken, over. */
export type ApprovalEntry = Common & {
  readonly kind: 'approval'
  /** The state that it has come to. */
  readonly result: ApprovalState
  readonly approvalId: string
  /** SHA-256 of the canonical request, in hex. */
  readonly requestDigest: string
  readonly reason?: string | undefined
}

/** A question the broker asked the provider of its own accord, to establish where an id lives. */
export type LookupEntry = Common & {
  readonly kind: 'lookup'
  readonly result: 'asked'
  readonly cause: string
  readonly method: string
  readonly path: string
  readonly credential: { readonly id: string; readonly version: number }
}

/** How an allowed request, or a lookup, ended. */
export type OutcomeEntry = Common & {
  readonly kind: 'outcome'
  readonly result:
    | 'completed'
    | 'not_sent'
    | 'unreachable'
    | 'timeout'
    | 'failed'
    | 'aborted'
    | 'refused'
    | 'unknown'
  readonly status?: number | undefined
  readonly latencyMs?: number | undefined
  readonly bytes?: number | undefined
  readonly detail?: string | undefined
}

export type IssuanceEntry = Common & {
  /** Of one that a workload asked for. */
  readonly workload?: RecordedWorkload | undefined
  readonly kind: 'issuance'
  readonly result: 'issued' | 'refused'
  readonly reason?: string | undefined
  readonly verbs?: readonly string[] | undefined
  /** The capabilities that it was exchanged from, the oldest first. */
  readonly ancestors?: readonly string[] | undefined
  readonly expiresAt?: number | undefined
  /** What it was handed out as. */
  readonly form?: 'jwt' | 'handle' | undefined
  /** RFC 7638: the thumbprint of the key that it is bound to; absent where it is a bearer's. */
  readonly jkt?: string | undefined
}

/** Something an operator did, or tried to do. */
export type AdminEntry = Common & {
  readonly kind: 'admin'
  readonly result: 'done' | 'refused'
  /** `grant.create`, `environment.bind` … */
  readonly action: string
  readonly subject?: string | undefined
  readonly reason?: string | undefined
  /** What changed, in fields that hold no secret. */
  readonly change?: Canonical | undefined
}

export type SignInEntry = Common & {
  readonly kind: 'sign_in'
  readonly result: 'done' | 'refused'
  /** Who it was at the identity provider: its issuer, a blank, and its subject. */
  readonly subject?: string | undefined
  readonly reason?: string | undefined
}

export type SystemEntry = Common & {
  readonly kind: 'system'
  readonly result: 'done' | 'refused'
  readonly action: string
  readonly detail?: string | undefined
  /** Of `credential.minting` and `credential.mint`: what minted, at which request, what came of it and until when. */
  readonly credential?: { readonly id: string; readonly version: number } | undefined
  readonly cause?: string | undefined
  readonly change?: Canonical | undefined
  readonly expiresAt?: number | undefined
}

export type AuditEntry =
  | DecisionEntry
  | ApprovalEntry
  | LookupEntry
  | OutcomeEntry
  | IssuanceEntry
  | AdminEntry
  | SignInEntry
  | SystemEntry

export const entryKinds = [
  'decision',
  'approval',
  'lookup',
  'outcome',
  'issuance',
  'admin',
  'sign_in',
  'system',
] as const

/** The longest string from outside that an entry keeps; what is cut is marked. */
export const longestText = 256

/** Cuts a string that came from outside. */
export function clip(text: string): string {
  return text.length <= longestText
    ? text
    : `${text.slice(0, longestText)}…[${String(text.length)}]`
}

let lastAt = Number.NaN
let lastText = ''
/** RFC 3339, in UTC. Most entries come in the same millisecond as the one before. */
export function timeText(at: number): string {
  if (at !== lastAt) {
    lastText = new Date(at).toISOString()
    lastAt = at
  }
  return lastText
}

/** Every field that any entry has. What is not here does not get into the log. */
type Fields = { readonly [K in AllKeys<AuditEntry>]?: unknown }
type AllKeys<T> = T extends unknown ? keyof T : never

/**
 * The bytes that are hashed and stored: RFC 8785, as UTF-8. The members are named here in their canonical order, at
 * every level, so that `JSON.stringify`, which writes strings and numbers as the RFC prescribes and leaves out what is
 * undefined, writes the canonical form; a test compares it with `canonicalize` for every kind of entry.
 */
export function canonicalEntry(entry: AuditEntry): string {
  const e: AuditEntry & Fields = entry
  const { actor, environment } = entry
  const credential = e.credential as { id: string; version: number } | undefined
  const operations = e.operations as readonly RecordedOperation[] | undefined
  const fields = {
    about: e.about,
    action: e.action,
    actor: canonicalActor(actor),
    ancestors: e.ancestors,
    approvalId: e.approvalId,
    at: timeText(entry.at),
    bodyDigest: e.bodyDigest,
    breakGlassId: e.breakGlassId,
    bytes: e.bytes,
    capabilityId: e.capabilityId,
    cause: e.cause,
    change: e.change,
    correlationId: entry.correlationId,
    credential:
      credential === undefined ? undefined : { id: credential.id, version: credential.version },
    detail: e.detail,
    environment:
      environment === undefined ? undefined : { id: environment.id, name: environment.name },
    expiresAt: e.expiresAt,
    form: e.form,
    grantId: e.grantId,
    jkt: e.jkt,
    kind: entry.kind,
    latencyMs: e.latencyMs,
    method: e.method,
    onBehalfOf: entry.onBehalfOf?.map(canonicalActor),
    operations: operations?.map((operation) => ({
      added: operation.added,
      effects: operation.effects,
      name: operation.name,
      resources: operation.resources,
    })),
    path: e.path,
    provider: e.provider,
    reason: e.reason,
    requestDigest: e.requestDigest,
    result: entry.result,
    status: e.status,
    subject: e.subject,
    v: 1,
    verbs: e.verbs,
    workload: e.workload,
  } satisfies Record<AllKeys<AuditEntry> | 'v', unknown>
  // What changed, and what a token claimed, has members that are not named here: those few are sorted one by one.
  return e.change === undefined && e.workload === undefined
    ? JSON.stringify(fields)
    : canonicalize(fields as unknown as Canonical)
}

function canonicalActor({ id, key, kind, name }: Actor): Actor {
  return { id, key, kind, name }
}

/** RFC 6962 §2.1: the hash of a leaf, SHA-256 over 0x00 and the leaf's bytes. */
export function leafHash(canonical: string): Buffer {
  return createHash('sha256').update('\u0000').update(canonical, 'utf8').digest()
}
