/** Two admins over a grant under which everything needs an approval. */
import type { TestContext } from 'node:test'
import { openBrowser, type Answer, type Browser } from './browser.ts'
import { adminPassword } from './broker.ts'
import { openStage, read, type Stage } from './stage.ts'
import { railway, type Answer as Proxied } from './world.ts'

export type Glass = Stage & {
  /** Seconds by which the broker's clock is ahead. */
  readonly clock: { ahead: number }
  /** The first operator, and another admin. */
  readonly ann: Browser
  readonly bob: Browser
  ask(by: Browser, change?: Record<string, unknown>): Promise<Answer>
  /** Asks as `ann`, for the grant, and returns the id. */
  asked(change?: Record<string, unknown>): Promise<string>
  confirm(by: Browser, id: string, url?: string, more?: Record<string, unknown>): Promise<Answer>
  end(by: Browser, id: string): Promise<Answer>
  /** A request that needs an approval. */
  request(url?: string): Promise<Proxied>
  /** What of those has reached the provider, without the broker's own questions. */
  arrived(): readonly unknown[]
}

export async function openGlass(t: TestContext): Promise<Glass> {
  const clock = { ahead: 0 }
  const stage = await openStage(t, {
    now: () => Date.now() + clock.ahead * 1000,
    grant: { approval: 'always' },
  })
  const { broker, granted, upstream } = stage
  const ann = await openBrowser(broker, broker.admin.name)
  const bob = await openBrowser(broker, 'bob', ['admin'])
  const password = adminPassword
  const token = await granted.token()
  const ask: Glass['ask'] = (by, change = { grant: granted.grantId }) =>
    by.send('POST', '/v1/break-glass', { reason: 'a test', password, ...change })
  return {
    ...stage,
    clock,
    ann,
    bob,
    ask,
    async asked(change) {
      const { status, body } = await ask(ann, change)
      if (status !== 201) throw new Error(`not asked: ${JSON.stringify(body)}`)
      return String(body['id'])
    },
    confirm: (by, id, url, more = {}) =>
      by.send('POST', `/v1/break-glass/${id}/confirm`, { password, ...more }, url),
    end: (by, id) => by.send('POST', `/v1/break-glass/${id}/end`, {}),
    request: (url = broker.url) => railway(url, token, read),
    arrived: () => upstream.received.filter((body) => body.includes('{ id name }')),
  }
}
