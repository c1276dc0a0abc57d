/**
 * A capability that is held on behalf of an agent: taken with the agent's key, bound to a key of this process, and renewed
 * before it ends. One request for it at a time, however many wait for it.
 */
import { record, text } from './answer.ts'
import type { Prover } from './dpop-prover.ts'
import { Failure } from './failure.ts'
import { refusalOf, strangeAnswer, unreachable } from './refusal.ts'

export type HeldCapability = {
  /** A capability that is good for some seconds yet. Rejects with a `Failure`. */
  take(): Promise<string>
  /** The broker has refused it: the next `take` asks for another. */
  drop(capability: string): void
  /** Asks for a nonce where the last one is old, so that a request need not be sent twice for it. */
  freshen(): Promise<void>
}

/** Milliseconds before its end at which it is not given out any more. */
const tooLate = 20_000
/** Milliseconds. */
const longestWait = 30_000

export function createHeldCapability(options: {
  readonly url: string
  /** What the broker calls itself: where its proofs are for. */
  readonly issuer: string
  /** The parameters of one request, made anew for each: an assertion is good once. */
  readonly form: () => Promise<Readonly<Record<string, string>>>
  readonly prover: Prover
  readonly fetch: typeof fetch
  readonly now: () => number
}): HeldCapability {
  const { url, issuer, form, prover, now } = options
  let held: { readonly capability: string; readonly until: number } | undefined
  let asking: Promise<string> | undefined

  async function post(
    fields: Readonly<Record<string, string>>,
  ): Promise<{ status: number; body: unknown }> {
    const dpop = await prover.proof({ method: 'POST', uri: `${issuer}/oauth/token` })
    let response: Response
    let answer: string
    try {
      response = await options.fetch(`${url}/oauth/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', dpop },
        body: new URLSearchParams(fields).toString(),
        redirect: 'manual',
        signal: AbortSignal.timeout(longestWait),
      })
      answer = await response.text()
    } catch (error) {
      throw unreachable(error, url)
    }
    prover.told(response.headers.get('dpop-nonce'))
    try {
      return { status: response.status, body: JSON.parse(answer) as unknown }
    } catch {
      throw strangeAnswer(response.status, url)
    }
  }

  async function ask(): Promise<string> {
    let { status, body } = await post(await form())
    // RFC 9449 §8: once, with the nonce that came.
    if (status === 400 && text(record(body), 'error') === 'use_dpop_nonce')
      ({ status, body } = await post(await form()))
    if (status !== 200) throw refusalOf(status, body, url)
    const issued = record(body)
    const capability = text(issued, 'access_token')
    if (capability === undefined || !/^[A-Za-z0-9_.-]+$/.test(capability))
      throw strangeAnswer(status, url)
    // A bearer's capability is what this is here to avoid.
    if (text(issued, 'token_type') !== 'DPoP')
      throw new Failure(1, `${url} issues no capabilities that are bound to a key.`)
    const seconds = Number(text(issued, 'expires_in'))
    // One that is short-lived from the start is used for half of its life.
    const usable = Math.max(seconds * 1000 - tooLate, seconds * 500)
    held = { capability, until: now() + (Number.isFinite(usable) ? usable : 0) }
    return capability
  }

  return {
    async take() {
      if (held !== undefined && held.until > now()) return held.capability
      asking ??= ask().finally(() => {
        asking = undefined
      })
      return asking
    },
    drop(capability) {
      if (held?.capability === capability) held = undefined
    },
    async freshen() {
      // Without a client it is answered before anything is looked up; all that is wanted of it is the nonce.
      if (prover.nonceIsStale()) await post({ grant_type: 'client_credentials' })
    },
  }
}
