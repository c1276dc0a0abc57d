/** An agent that may only read in `pocketos/staging`, what it sends to ask for more, and people who may answer. */
import type { TestContext } from 'node:test'
import type { VirtualAuthenticator } from './authenticator.ts'
import { openBrowser, registerPasskey, type Answer as Said, type Browser } from './browser.ts'
import { adminPassword, type TestBrokerOptions } from './broker.ts'
import { railwayIds } from './railway-world.ts'
import { openStage, type Stage } from './stage.ts'
import { answerOf, type Answer } from './world.ts'

/** A request that needs the verb `environmentRename`, and no look-up. */
export const rename = {
  query: `mutation { environmentRename(id: "${railwayIds.staging}", input: { name: "s" }) { id } }`,
}

export type Asking = Stage & {
  /** Seconds by which the broker's clock is ahead. */
  readonly clock: { ahead: number }
  readonly approver: Browser
  readonly ask: (token: string, body: Record<string, unknown>, url?: string) => Promise<Answer>
  readonly own: (token: string, path?: string) => Promise<Answer>
  /** Who owns the environment; at first the approver alone. */
  readonly owners: (...browsers: readonly Browser[]) => Promise<void>
  /** Asks with a fresh capability of the grant, and returns the request's id. */
  readonly asked: (body?: Record<string, unknown>) => Promise<string>
  /** Adds somebody, with a passkey. Approvers first: once an admin has one, nobody is allowed one so simply. */
  readonly person: (name: string, roles: readonly string[]) => Promise<Browser>
  readonly keyOf: (by: Browser) => VirtualAuthenticator
  /** What `by` is asked to sign. */
  readonly prepare: (by: Browser, id: string, body?: Record<string, unknown>) => Promise<Said>
  /** Touches a passkey for exactly this; what is returned sends it. Fails where that is refused. */
  readonly touched: (
    by: Browser,
    id: string,
    body?: Record<string, unknown>,
  ) => Promise<(url?: string) => Promise<Said>>
  /** Both at once; whatever the answer is. */
  readonly grant: (by: Browser, id: string, body?: Record<string, unknown>) => Promise<Said>
}

export async function openAsking(
  t: TestContext,
  options: TestBrokerOptions & { readonly grant?: Record<string, unknown> } = {},
): Promise<Asking> {
  const clock = { ahead: 0 }
  const stage = await openStage(t, {
    now: () => Date.now() + clock.ahead * 1000,
    grant: { verbs: ['read'] },
    ...options,
  })
  const { broker, granted } = stage
  const ask: Asking['ask'] = async (token, body, url = broker.url) =>
    answerOf(
      await fetch(`${url}/v1/access-requests`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
      }),
    )
  const keys = new WeakMap<Browser, VirtualAuthenticator>()
  const person: Asking['person'] = async (name, roles) => {
    const browser = await openBrowser(broker, name, roles)
    keys.set(browser, (await registerPasskey(browser)).authenticator)
    return browser
  }
  const keyOf: Asking['keyOf'] = (by) => {
    const key = keys.get(by)
    if (key === undefined) throw new Error(`${by.name} has no passkey`)
    return key
  }
  const prepare: Asking['prepare'] = (by, id, body = {}) =>
    by.send('POST', `/v1/access-requests/${id}/options`, { password: adminPassword, ...body })
  const send = (by: Browser, id: string, body: Record<string, unknown>, asked: Said) => {
    const assertion = keyOf(by).assert(asked.body['options'] as { challenge: string })
    const all = { password: adminPassword, ...body, assertion }
    return (url?: string) => by.send('POST', `/v1/access-requests/${id}/grant`, all, url)
  }
  const approver = await person('alice', ['approver'])
  const owners: Asking['owners'] = async (...browsers) => {
    await broker.api('PATCH', `/v1/environments/${granted.environmentId}`, {
      owners: browsers.map(({ operatorId }) => operatorId),
      password: broker.admin.password,
    })
  }
  await owners(approver)
  return {
    ...stage,
    clock,
    approver,
    owners,
    ask,
    own: async (token, path = '') =>
      answerOf(
        await fetch(`${broker.url}/v1/access-requests/own${path}`, {
          headers: { authorization: `Bearer ${token}` },
        }),
      ),
    async asked(body = { verbs: ['environmentRename'] }) {
      const answer = await ask(await granted.token({ grant: granted.grantId }), body)
      if (answer.status !== 201) throw new Error(`not asked: ${answer.text}`)
      return String(answer.json['id'])
    },
    person,
    keyOf,
    prepare,
    async touched(by, id, body = {}) {
      const asked = await prepare(by, id, body)
      if (asked.status !== 200) throw new Error(`not prepared: ${JSON.stringify(asked.body)}`)
      return send(by, id, body, asked)
    },
    async grant(by, id, body = {}) {
      const asked = await prepare(by, id, body)
      return asked.status === 200 ? send(by, id, body, asked)() : asked
    },
  }
}
