/** An agent that may only read in `pocketos/staging`, what it sends to ask for more, and people who may answer. */
import type { TestContext } from 'node:test'
import { openBrowser, type Browser } from './browser.ts'
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
  readonly grant: (
    by: Browser,
    id: string,
    body?: Record<string, unknown>,
  ) => ReturnType<Browser['send']>
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
  const approver = await openBrowser(broker, 'alice', ['approver'])
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
    grant: (by, id, body = {}) =>
      by.send('POST', `/v1/access-requests/${id}/grant`, { password: adminPassword, ...body }),
  }
}
