/** What a kind of minting is given in the tests: real keys, and a wire to stand-ins that writes down what went over it. */
import { generateKeyPairSync } from 'node:crypto'
import { Value } from 'typebox/value'
import type { Exchange, MintKind, Narrowing } from '../../src/minting/kind.ts'

export type Sent = Parameters<Exchange>[0]

export type Wire = {
  readonly exchange: Exchange
  /** In order; an answer's status where there was one. */
  readonly sent: Sent[]
}

/** `to`: the stand-in for each origin. What is meant for any other reaches nobody. */
export function wireTo(to: Readonly<Record<string, string>>): Wire {
  const sent: Sent[] = []
  return {
    sent,
    async exchange(request) {
      sent.push(request)
      const origin = Object.hasOwn(to, request.origin) ? to[request.origin] : undefined
      if (origin === undefined) throw new Error(`nobody is at ${request.origin}`)
      const { method, headers, body } = request
      const response = await fetch(`${origin}${request.target}`, {
        method,
        headers: { ...headers },
        redirect: 'manual',
        ...(body === undefined ? {} : { body }),
      })
      return { status: response.status, text: await response.text() }
    },
  }
}

/** Answers, one after the other, whatever is asked. */
export function wireOf(
  ...answers: readonly { status: number; json?: unknown; text?: string }[]
): Wire {
  const sent: Sent[] = []
  return {
    sent,
    exchange(request) {
      const answer = answers[sent.push(request) - 1]
      if (answer === undefined) return Promise.reject(new Error('no answer is left'))
      const { status, json, text } = answer
      return Promise.resolve({
        status,
        text: text ?? (json === undefined ? '' : JSON.stringify(json)),
      })
    },
  }
}

export function narrowingTo(
  kind: string,
  ids: readonly string[],
  more: Partial<Narrowing> = {},
): Narrowing {
  return { bindings: ids.map((id) => ({ kind, id })), readOnly: false, seconds: 300, ...more }
}

/** Whether the schema of the kind takes them. */
export function takes(kind: MintKind, parameters: unknown): boolean {
  return Value.Check(kind.parameters, parameters)
}

let made: { readonly pkcs1: string; readonly pkcs8: string } | undefined

/** One RSA key for all tests of a process, in the two forms that there are. */
export function rsaKey(): { readonly pkcs1: string; readonly pkcs8: string } {
  if (made !== undefined) return made
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const as = (type: 'pkcs1' | 'pkcs8') => privateKey.export({ type, format: 'pem' }).toString()
  made = { pkcs1: as('pkcs1'), pkcs8: as('pkcs8') }
  return made
}
