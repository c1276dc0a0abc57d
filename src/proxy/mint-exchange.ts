/**
 * The broker's way to whoever mints: a provider, or its token service. Guarantees, beside the egress's own (a public
 * address, the certificate checked, no redirect followed): the answer is small and comes in time; and what configuration
 * declared to be internal is reached for what it was declared for, and not because somebody's parameters name it.
 */
import { isUtf8 } from 'node:buffer'
import type { Send } from '../minting/exchange.ts'
import type { Egress } from './egress.ts'

/** In bytes. */
const largest = 1_048_576
/** One exchange, in milliseconds: shorter than all that wait for a minting. */
const deadline = 8_000

export class ExchangeFailed extends Error {
  override name = 'ExchangeFailed'
}

export function createMintExchange(deps: {
  readonly egress: Egress
  /** As in `BrokerOptions`. */
  readonly upstreams: Readonly<Record<string, string>>
  readonly tokenServices: Readonly<Record<string, string>>
  /** The origins of a provider's own. */
  readonly originsOf: (provider: string) => readonly string[]
}): Send {
  const { upstreams, tokenServices } = deps
  const internal = new Set([...Object.values(upstreams), ...Object.values(tokenServices)])

  /** Where it is really sent; undefined where configuration keeps that for somebody else. */
  function placeOf(credential: { provider: string; origin: string }, origin: string) {
    const declared = tokenServices[origin]
    if (declared !== undefined) return declared
    // It was looked at when the credential was stored, and is bound into the seal of its secret.
    if (origin === credential.origin) return origin
    const upstream = upstreams[credential.provider]
    // A declared upstream stands for all hosts of the provider.
    if (upstream !== undefined && deps.originsOf(credential.provider).includes(origin))
      return upstream
    return internal.has(origin) ? undefined : origin
  }

  return (credential, { origin, method, target, headers, body }) =>
    new Promise((resolve, reject) => {
      const place = placeOf(credential, origin)
      if (place === undefined) return reject(new ExchangeFailed('kept for another provider'))
      let stop: (() => void) | undefined
      let status = 0
      let length = 0
      const chunks: Buffer[] = []
      const fail = (detail: string): void => {
        clearTimeout(timer)
        reject(new ExchangeFailed(detail))
        stop?.()
      }
      const timer = setTimeout(fail, deadline, 'TIMEOUT')
      deps.egress.send(
        place,
        {
          method,
          target,
          // A small compressed answer can unfold into a large one.
          headers: { ...headers, 'accept-encoding': 'identity' },
          body: body === undefined ? undefined : Buffer.from(body),
        },
        {
          onHeaders(answered, raw, control) {
            status = answered
            stop = () => control.abort()
            for (let i = 0; i < raw.length; i += 2)
              if (raw[i]?.toLowerCase() === 'content-encoding' && raw[i + 1] !== 'identity')
                return fail('CONTENT_CODING')
          },
          onData(chunk) {
            length += chunk.length
            if (length > largest) fail('ANSWER_TOO_LARGE')
            else chunks.push(chunk)
          },
          onEnd() {
            clearTimeout(timer)
            const bytes = Buffer.concat(chunks)
            if (isUtf8(bytes)) resolve({ status, text: bytes.toString('utf8') })
            else fail('NOT_UTF8')
          },
          onError: (failure) => fail(failure.detail),
        },
      )
    })
}
