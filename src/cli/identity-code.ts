/**
 * A person who signs in at an identity provider shows it who they are in their browser, and types the code that they see
 * there here. Against a program that opens the same address in their browser: what it gets is a page, and the code on it
 * is worth nothing without the secret that this command made and keeps to itself.
 */
import { createHash, randomBytes } from 'node:crypto'
import { child, record, text, type Shape } from './answer.ts'
import type { Client } from './client.ts'
import { Failure, usage } from './failure.ts'
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
  const page = provider === undefined ? undefined : text(provider, 'command_line')
  if (provider === undefined || page === undefined)
    throw new Failure(1, 'Operators do not sign in at an identity provider here.')
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const label = text(provider, 'label') ?? 'the identity provider'
  terminal.err(`Open this in your browser, and sign in with ${label}:`)
  terminal.err('')
  terminal.err(`    ${page}?challenge=${challenge}&purpose=${purpose}`)
  terminal.err('')
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
