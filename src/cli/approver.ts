/**
 * An approver's act, from a terminal. The sign-in that is kept on disk reaches none (an agent that runs as the same user
 * could read it), so one is made for this one act: with the password typed at the terminal, never read from a file, and
 * with a cookie that stays in memory and is given back.
 */
import { record, text, type Shape } from './answer.ts'
import { Failure, usage } from './failure.ts'
import { refusalOf, strangeAnswer, unreachable } from './refusal.ts'
import type { Session } from './session.ts'

const cookieName = '__Host-valetkey'
/** Milliseconds. */
const longestWait = 60_000

export type Approver = {
  readonly password: string
  post(path: string, body: unknown): Promise<Shape>
}

export async function asApprover<T>(
  call: Session,
  act: (approver: Approver) => Promise<T>,
): Promise<T> {
  const client = await call.signedIn()
  const name = text(record(await client.get('/v1/me')), 'name')
  const password = await call.world.terminal.hidden('Your password')
  if (password === undefined)
    throw usage('An approver types their password, and there is no terminal to ask at.')
  // The broker takes a cookie from its own pages only, and may be known to them under another name than to us.
  const metadata = record(await call.broker.get('/.well-known/oauth-authorization-server'))
  const origin = text(metadata, 'issuer')
  if (name === undefined || origin === undefined) throw strangeAnswer(200, call.url)

  async function send(path: string, body: unknown, cookie?: string): Promise<Response> {
    try {
      return await call.world.fetch(`${call.url}${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          origin: String(origin),
          ...(cookie === undefined ? {} : { cookie }),
        },
        body: JSON.stringify(body),
        redirect: 'manual',
        signal: AbortSignal.timeout(longestWait),
      })
    } catch (error) {
      throw unreachable(error, call.url)
    }
  }
  async function good(response: Response): Promise<Shape> {
    let body: unknown
    try {
      body = await response.json()
    } catch {
      throw strangeAnswer(response.status, call.url)
    }
    if (!response.ok) throw refusalOf(response.status, body, call.url)
    return record(body)
  }

  const signedIn = await send('/v1/sign-in', { name, password, cookie: true })
  await good(signedIn)
  const cookie = signedIn.headers
    .getSetCookie()
    .map((line) => line.split(';')[0] ?? '')
    .find((pair) => pair.startsWith(`${cookieName}=`))
  if (cookie === undefined) throw new Failure(1, 'The broker signed nobody in.')
  try {
    return await act({
      password,
      post: async (path, body) => good(await send(path, body, cookie)),
    })
  } finally {
    await send('/v1/sign-out', {}, cookie).catch(() => undefined)
  }
}
