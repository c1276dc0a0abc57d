/**
 * A person who signs in at an identity provider shows it who they are in their browser, and types the code that they see
 * there here. Against a program that opens the same address in their browser: what it gets is a page, and the code on it
 * is worth nothing without the secret that this command made and keeps to itself. Against a broker that is none, whose
 * address somebody put in this command's way: it cannot have them see another's page with a challenge of its own.
 */
import { createHash, randomBytes } from 'node:crypto'
import { child, record, text, type Shape } from './answer.ts'
import type { Client } from './client.ts'
import { Failure, usage } from './failure.ts'
import { strangeAnswer } from './refusal.ts'
import type { Terminal } from './terminal.ts'

export type ShownCode = { readonly code: string; readonly verifier: string }

/** The identity provider, as the broker describes it; undefined where operators do not sign in at one. */
export async function identityProviderOf(broker: Client): Promise<Shape | undefined> {
  const provider = child(record(await broker.get('/v1/sign-in/ways')), 'identity_provider')
  return text(provider, 'command_line') === undefined ? undefined : provider
}

export async function askForCode(
  broker: Client,
  terminal: Terminal,
  purpose: 'sign_in' | 'act',
): Promise<ShownCode> {
  const provider = await identityProviderOf(broker)
  if (provider === undefined)
    throw new Failure(1, 'Operators do not sign in at an identity provider here.')
  const page = pageNamed(text(provider, 'command_line'))
  if (page === undefined) throw strangeAnswer(200, broker.url)
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const label = text(provider, 'label') ?? 'the identity provider'
  terminal.err(`Open this in your browser, and sign in with ${label}:`)
  terminal.err('')
  terminal.err(`    ${page.href}?challenge=${challenge}&purpose=${purpose}`)
  terminal.err('')
  const { origin } = new URL(broker.url)
  if (page.origin !== origin) {
    terminal.err(`The code goes to ${origin}, which is another address.`)
    terminal.err('If you do not know that as your broker, type nothing here.')
    terminal.err('')
  }
  const code = await terminal.hidden('The code that you are shown there')
  if (code === undefined) {
    throw usage(
      'This needs a code out of your browser, and there is no terminal to ask at.',
      'Programs use a key of their own, not an operator’s sign-in: see docs/operators.md.',
    )
  }
  const typed = code.trim().toUpperCase()
  if (!/^[A-Z0-9-]{10,11}$/.test(typed)) throw usage('A code is ten letters and digits.')
  return { code: typed, verifier }
}

/** An address without a query or a fragment, in which what follows would stand for nothing. */
function pageNamed(said: string | undefined): URL | undefined {
  const page = said === undefined ? null : URL.parse(said)
  return page !== null && /^https?:\/\/[^/?#@\\]+\/[a-z/-]+$/.test(page.href) ? page : undefined
}
