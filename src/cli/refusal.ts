/**
 * A refusal of the broker, as a person reads it: one sentence with its code, each wrong field on a line of its own, what
 * to do next, and the correlation id under which the audit log has the rest. The texts come from outside; `run` prints
 * them through `visible` like everything else.
 */
import { Failure } from './failure.ts'

/** What to do about a code, where there is something to do. */
const next: Readonly<Record<string, string>> = {
  sign_in_required:
    'Sign in with:  valetkey login --name <name>   (at an identity provider, without --name)',
  fresh_sign_in_required:
    'The code was mistyped, used before, or older than two minutes: give the command again.',
  passwords_off: 'At the identity provider:  valetkey login',
  sealed: 'Unseal it with:  valetkey unseal',
  rate_limited: 'Wait a moment, then try again.',
  unavailable: 'Nothing was done. See how it is with:  valetkey status',
  temporarily_unavailable: 'No capability was issued. See how the broker is with:  valetkey status',
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function sentence(detail: string, code: string): string {
  const trimmed = detail.replace(/[.\s]+$/, '')
  return `Refused: ${trimmed} (${code}).`
}

/** Reads an error answer: a problem (RFC 9457), OAuth's own form (RFC 6749 §5.2), or something that is neither. */
export function refusalOf(status: number, body: unknown, where: string): Failure {
  if (isRecord(body)) {
    const code = text(body['code']) ?? text(body['error'])
    const detail = text(body['detail']) ?? text(body['error_description']) ?? text(body['title'])
    if (code !== undefined && detail !== undefined) {
      const notes = [...fieldErrors(body['errors']), ...approvalNotes(body['approval'])]
      const hint = Object.hasOwn(next, code) ? next[code] : undefined
      if (hint !== undefined) notes.push(hint)
      const correlation = text(body['correlation_id'])
      if (correlation !== undefined) notes.push(`correlation id: ${correlation}`)
      return new Failure(1, sentence(detail, code), { code, notes })
    }
  }
  return strangeAnswer(status, where)
}

/** Something answered, but not as a broker does. */
export function strangeAnswer(status: number, where: string): Failure {
  return new Failure(
    1,
    `What answers at ${where} is not a Valetkey broker (HTTP ${String(status)}).`,
    {
      notes: ['Check --url, or VALETKEY_URL.'],
    },
  )
}

/** What a person is asked, and where: members of the problem that were told to the agent. */
function approvalNotes(approval: unknown): string[] {
  if (!isRecord(approval)) return []
  const asked = text(approval['sentence'])
  const state = text(approval['state'])
  const where = text(approval['page']) ?? text(approval['url'])
  const until = text(approval['expires_at'])
  return [
    ...(asked === undefined ? [] : [`a person is asked: ${asked}`]),
    ...(where === undefined ? [] : [`approval: ${where}`]),
    ...(state === undefined
      ? []
      : [`state: ${state}${until === undefined ? '' : `, until ${until}`}`]),
  ]
}

function fieldErrors(errors: unknown): string[] {
  if (!Array.isArray(errors)) return []
  return errors.filter(isRecord).map((error) => {
    const pointer = text(error['pointer']) ?? ''
    return `  ${pointer === '' ? '(all of it)' : pointer}: ${text(error['detail']) ?? 'is not valid'}`
  })
}

/** Why nothing answered: the codes of Node's network errors, wherever fetch has put them. */
export function unreachable(error: unknown, where: string): Failure {
  const code = causeCode(error)
  const notes = ['Start it with:  npm start   (or say where it is with --url, or VALETKEY_URL)']
  if (code === 'ECONNREFUSED') {
    return new Failure(1, `No broker runs at ${where}: the connection was refused.`, { notes })
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new Failure(1, `The host of ${where} is not known.`, {
      notes: ['Check --url, or VALETKEY_URL.'],
    })
  }
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new Failure(1, `The broker at ${where} did not answer in time.`, {
      notes: ['Whether it did what was asked is in its audit log:  valetkey audit'],
    })
  }
  return new Failure(
    1,
    `The broker at ${where} could not be reached${code === undefined ? '' : ` (${code})`}.`,
    {
      notes,
    },
  )
}

function causeCode(error: unknown): string | undefined {
  let at = error
  for (let depth = 0; depth < 4 && at instanceof Error; depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code
    at = at.cause
  }
  return undefined
}
