/** Agents beside the one that has the grant, and the exchange of one capability for another. */
import type { TestBroker } from './broker.ts'
import type { Granted } from './world.ts'

export type Helper = { readonly id: string; readonly key: string }

export async function addHelper(broker: Pick<TestBroker, 'api'>, name: string): Promise<Helper> {
  const { agent, key } = await broker.api<{ agent: { id: string }; key: string }>(
    'POST',
    '/v1/agents',
    { name },
  )
  return { id: agent.id, key }
}

export function holderOf({ agentId, agentKey }: Granted): Helper {
  return { id: agentId, key: agentKey }
}

export type Exchanged = { readonly status: number; readonly body: Record<string, unknown> }

export type ExchangeWish = {
  readonly details?: Record<string, unknown>
  /** Other parameters; one that is undefined is left out. */
  readonly form?: Readonly<Record<string, string | undefined>>
}

export function exchangeForm(
  by: Helper | undefined,
  token: string,
  { details, form = {} }: ExchangeWish = {},
): URLSearchParams {
  const all: Record<string, string | undefined> = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: token,
    ...(by === undefined ? {} : { client_id: by.id, client_secret: by.key }),
    ...(details === undefined
      ? {}
      : { authorization_details: JSON.stringify([{ type: 'valetkey', ...details }]) }),
    ...form,
  }
  return new URLSearchParams(
    Object.entries(all).filter((each): each is [string, string] => each[1] !== undefined),
  )
}

/** `by`: who shows its key; nobody where undefined. */
export async function exchangeFor(
  url: string,
  by: Helper | undefined,
  token: string,
  wish: ExchangeWish = {},
): Promise<Exchanged> {
  const response = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    body: exchangeForm(by, token, wish),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

/** The same; fails where nothing is issued. */
export async function childOf(...args: Parameters<typeof exchangeFor>): Promise<string> {
  const { status, body } = await exchangeFor(...args)
  if (status !== 200) throw new Error(`it was not exchanged: ${JSON.stringify(body)}`)
  return String(body['access_token'])
}

export function claimsOf(token: string): Record<string, unknown> {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  return JSON.parse(payload) as Record<string, unknown>
}
