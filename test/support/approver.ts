/** A person who approves, as one does: signed in with a cookie, touching a passkey over what the broker has them read. */
import type { VirtualAuthenticator } from './authenticator.ts'
import { openBrowser, registerPasskey, type Answer, type Browser } from './browser.ts'
import { adminPassword, type TestBroker } from './broker.ts'

export type Approver = {
  readonly browser: Browser
  readonly authenticator: VirtualAuthenticator
  /** Fails where the answer is another than 200. */
  approve(id: string, url?: string): Promise<Answer>
  deny(id: string, url?: string): Promise<Answer>
  /** Whatever the answer is. `meanwhile` is what comes between the reading and the touch. */
  tryTo(
    decision: 'approve' | 'deny',
    id: string,
    url?: string,
    meanwhile?: () => Promise<void>,
  ): Promise<Answer>
  cancel(id: string, url?: string): Promise<Answer>
}

export async function openApprover(
  broker: Pick<TestBroker, 'url' | 'api'>,
  name = 'ada',
  roles: readonly string[] = ['approver'],
): Promise<Approver> {
  const browser = await openBrowser(broker, name, roles)
  await broker.api('POST', `/v1/operators/${browser.operatorId}/allow-passkey`, {
    password: adminPassword,
  })
  return approverIn(browser)
}

/** One who is signed in already, has the role, and may register a passkey. */
export async function approverIn(browser: Browser): Promise<Approver> {
  const { authenticator } = await registerPasskey(browser)

  const tryTo: Approver['tryTo'] = async (decision, id, url, meanwhile) => {
    const path = `/v1/approvals/${id}`
    const prepared = await browser.send('POST', `${path}/options`, { decision }, url)
    if (prepared.status !== 200) return prepared
    const { options } = prepared.body as { options: { challenge: string } }
    await meanwhile?.()
    const assertion = authenticator.assert(options)
    return browser.send('POST', `${path}/decision`, { decision, assertion }, url)
  }

  async function must(what: Promise<Answer>): Promise<Answer> {
    const answer = await what
    if (answer.status !== 200)
      throw new Error(`answered ${String(answer.status)}: ${JSON.stringify(answer.body)}`)
    return answer
  }

  return {
    browser,
    authenticator,
    tryTo,
    approve: (id, url) => must(tryTo('approve', id, url)),
    deny: (id, url) => must(tryTo('deny', id, url)),
    cancel: (id, url) =>
      must(browser.send('POST', `/v1/approvals/${id}/cancel`, { reason: 'a test' }, url)),
  }
}
