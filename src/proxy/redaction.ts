/**
 * Which fields of an answer the agent does not get, and what becomes of the answer around them.
 *
 * Minted: the credential that the operation makes. It is taken out as the grant says (see `minted.ts`), so the answer is
 * held until all of it is there, and is JSON or is withheld, whatever its status.
 *
 * Revealed: credentials that an answer shows by the way (`temp_clone_token` in a repository). Whoever was allowed the
 * operation with its effect `secret` gets them; everyone else gets `[redacted]`. They are never sealed. An answer in
 * which they may stand is treated by what it is, not by what it calls itself, because the agent has a say in that
 * (`Accept`):
 *
 * - nothing (HEAD, 204, 304, an empty body) passes;
 * - what begins like JSON is read as JSON, and withheld or broken off where it proves to be none;
 * - anything else passes with a status of 300 and up: it is a redirect's page or an error's, not the object;
 * - of a success it passes where it is a diff or a patch, and is withheld otherwise: it may hold the field in a form
 *   that nobody here can read. So is a part of an answer (206): it may begin behind the field's name.
 */
import type { Invocation } from '../core/operation.ts'
import type { ProviderAdapter } from '../provider/adapter.ts'
import { isBlank } from './redact-grammar.ts'
import { labelOf, type RedactionPath } from './redact-path.ts'
import { Redactor } from './redact.ts'

/** At least one path in one of them. */
export type Redaction = {
  readonly minted: readonly RedactionPath[]
  readonly revealed: readonly RedactionPath[]
}

/** Undefined where all of the answer may be seen. `showMinted`: whether the grant lets the agent see what is minted. */
export function redactionFor(
  adapter: Pick<ProviderAdapter, 'minted' | 'revealed'>,
  showMinted: boolean,
  operations: readonly { readonly invocation: Invocation }[],
): Redaction | undefined {
  const minted: RedactionPath[] = []
  const revealed: RedactionPath[] = []
  for (const { invocation } of operations) {
    const mints = adapter.minted?.(invocation)
    if (mints !== undefined && !showMinted) minted.push(...mints.paths)
    if (invocation.effects.includes('secret') || invocation.added.includes('secret')) continue
    revealed.push(...(adapter.revealed?.(invocation) ?? []))
    // An adapter that marks a selection as secret adds the effect too; one that forgot must not be what shows it.
    if (mints === undefined) revealed.push(...(invocation.secretPaths ?? []))
  }
  return minted.length + revealed.length === 0 ? undefined : { minted, revealed }
}

/** RFC 8259 has no byte order mark and no UTF-16, but a lenient client may: what could be either is read as JSON, and fails. */
const jsonBeginnings: ReadonlySet<number> = new Set([0x7b, 0x5b, 0xef, 0xfe, 0xff, 0x00])

const differences = /^(?:text\/x-|application\/(?:[\w.-]+\.)?)(?:diff|patch)[ \t]*(?:;|$)/i

/** One answer's body, after its content coding was taken off. */
export class BodyRedactor {
  readonly #redaction: Redaction
  readonly #redactor: Redactor
  readonly #mustBeJson: boolean
  readonly #passesOtherwise: boolean
  #reading: 'nothing yet' | 'json' | 'other' = 'nothing yet'

  constructor(redaction: Redaction, status: number, contentType: string | undefined) {
    this.#redaction = redaction
    this.#redactor = new Redactor([
      ...redaction.minted.map((path) => ({ path, take: true })),
      ...redaction.revealed.map((path) => ({ path, take: false })),
    ])
    this.#mustBeJson = redaction.minted.length > 0
    this.#passesOtherwise =
      !this.#mustBeJson && (status >= 300 || differences.test(contentType ?? ''))
  }

  /** What may pass on; undefined where nothing more may. */
  push(chunk: Buffer): Buffer | undefined {
    if (this.#reading === 'nothing yet') {
      const first = chunk.find((byte) => !isBlank(byte))
      if (first === undefined) return chunk
      this.#reading = this.#passesOtherwise && !jsonBeginnings.has(first) ? 'other' : 'json'
    }
    return this.#reading === 'json' ? this.#redactor.push(chunk) : chunk
  }

  /** Whether it was whole. */
  end(): boolean {
    return this.#reading === 'nothing yet'
      ? !this.#mustBeJson
      : this.#reading === 'other' || this.#redactor.end()
  }

  /** The minted strings that were taken out. */
  get taken(): readonly string[] {
    return this.#redactor.taken
  }

  /** All at which something may yet be taken out, for an answer that begins before it was all seen. */
  get possible(): readonly string[] {
    const { minted, revealed } = this.#redaction
    return this.#reading === 'other' ? [] : [...new Set([...minted, ...revealed].map(labelOf))]
  }

  /** The paths at which something was taken out. */
  get redacted(): readonly string[] {
    return [...this.#redactor.redacted]
  }
}

/** In characters. A GraphQL document can make hundreds of paths, each as long as its aliases. */
const longestField = 1_000

/** The header field that tells the agent what it did not get, if anything. */
export function redactedField(labels: readonly string[]): readonly string[] {
  if (labels.length === 0) return []
  let said = ''
  for (const label of labels) {
    const longer = said === '' ? label : `${said}, ${label}`
    if (longer.length > longestField)
      return ['valetkey-redacted', said === '' ? '...' : `${said}, ...`]
    said = longer
  }
  return ['valetkey-redacted', said]
}

/** They speak of the bytes as the provider sent them: checksums (RFC 9530 and older), signatures over them, ranges. */
const ofTheBytes: ReadonlySet<string> = new Set([
  'accept-ranges',
  'content-digest',
  'content-md5',
  'content-range',
  'digest',
  'repr-digest',
  'signature',
  'signature-input',
  'x-goog-hash',
])

/**
 * The header fields of an answer whose bytes may have changed. A weak ETag still holds (RFC 9110 §8.8.1: the same for
 * whoever uses it), and the provider still knows it by If-None-Match.
 */
export function redactedHeaders(headers: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? ''
    const value = headers[i + 1] ?? ''
    const lower = name.toLowerCase()
    if (ofTheBytes.has(lower) || lower.startsWith('x-amz-checksum-')) continue
    kept.push(name, lower === 'etag' && !value.startsWith('W/') ? `W/${value}` : value)
  }
  return kept
}
