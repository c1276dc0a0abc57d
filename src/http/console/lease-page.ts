/**
 * What works outside the broker: native credentials that were handed out, those first that should have ended and could not
 * be. It only reads; what stops one goes through the route under /v1.
 */
import { readAgent } from '../../directory/agent.ts'
import { readEnvironment } from '../../directory/environment.ts'
import { openStates, type Lease } from '../../lease/lease.ts'
import { listLeases } from '../../lease/store.ts'
import { clock } from '../approval-outcome.ts'
import type { Deps } from '../deps.ts'
import { leaseStateText } from '../lease.ts'
import { operatorOf } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { markup, outside, outsideQuoted, when, type Markup } from './markup.ts'
import { sendPage } from './page.ts'

const mostListed = 50
/** What is wrong is never hidden behind what is not. */
const order = ['could_not_revoke', 'not_revocable', 'revoking', 'live', 'minting'] as const

type Shown = {
  readonly lease: Lease
  readonly environment: string
  /** Undefined where the broker minted it for itself. */
  readonly agent: string | undefined
}

export function leasePage(app: App, deps: Deps): void {
  app.get(
    '/leases',
    {
      config: { action: 'console.leases', roles: ['admin', 'auditor', 'approver'] },
      schema: { hide: true },
    },
    async (request, reply) => {
      const operator = operatorOf(request)
      const shown: Shown[] = []
      let more = false
      for (const state of order) {
        const limit = mostListed + 1 - shown.length
        const found = await listLeases(deps.db, { limit, after: '', states: [state] })
        for (const lease of found) shown.push(await named(lease))
        if (shown.length > mostListed) more = true
        if (more) break
      }
      return sendPage(reply, 200, {
        title: 'Native credentials',
        operator: operator.name,
        body: leaseBody(shown.slice(0, mostListed), {
          more,
          mayRevoke: operator.roles.some((role) => role === 'admin' || role === 'approver'),
          now: deps.now(),
        }),
      })
    },
  )

  async function named(lease: Lease): Promise<Shown> {
    const environment = await readEnvironment(deps.db, lease.environmentId)
    const agent = lease.agentId === null ? undefined : await readAgent(deps.db, lease.agentId)
    return {
      lease,
      environment: environment?.name ?? lease.environmentId,
      agent: lease.agentId === null ? undefined : (agent?.name ?? lease.agentId),
    }
  }
}

/** Stands on the page that people look at most. Undefined where there is nothing to say. */
export async function unrevokedNotice(deps: Pick<Deps, 'db'>): Promise<Markup | undefined> {
  const [first] = await listLeases(deps.db, { limit: 1, after: '', states: ['could_not_revoke'] })
  return when(
    first !== undefined,
    () =>
      markup`<p class="notice" role="alert">A native credential that should have ended could not be revoked: <a href="/leases">see which</a>.</p>`,
  )
}

type Page = { readonly more: boolean; readonly mayRevoke: boolean; readonly now: number }

function leaseBody(all: readonly Shown[], page: Page): Markup {
  const failing = all.filter(({ lease }) => lease.state === 'could_not_revoke')
  const others = all.filter(({ lease }) => lease.state !== 'could_not_revoke')
  return markup`<div data-refresh>
<h1>Native credentials</h1>
<p>What an agent was given to use at a provider by itself. The broker sees none of its requests, and can only end it.</p>
${when(failing.length > 0, () => part('Could not be revoked', failing, page, ''))}
${part('May still work', others, page, 'None.')}
${when(
  page.more,
  () =>
    markup`<p class="notice">There is more than is shown here: <code>valetkey lease list</code> has all of it.</p>`,
)}
</div>`
}

function part(title: string, shown: readonly Shown[], page: Page, none: string): Markup {
  return markup`<h2>${title}</h2>
${
  shown.length === 0
    ? markup`<p class="quiet">${none}</p>`
    : markup`<ul class="cards">${shown.map((each) => card(each, page))}</ul>`
}`
}

function card({ lease, environment, agent }: Shown, page: Page): Markup {
  const { state, narrowing, worksUntil } = lease
  const failing = state === 'could_not_revoke'
  const ends = worksUntil ?? undefined
  return markup`<li${failing ? markup` class="in_force"` : undefined}><section>
<p><strong>${
    agent === undefined
      ? markup`Of the broker itself`
      : markup`Handed to the agent ${outsideQuoted(agent)}`
  }</strong> <span class="chip${failing ? ' grave' : ''}">${state.replaceAll('_', ' ')}</span></p>
<dl class="facts">
<dt>Environment</dt><dd>${outside(environment)}</dd>
<dt>Provider</dt><dd>${outside(lease.provider)}, ${narrowing.readOnly ? 'to read alone' : 'to do everything within its bindings'}</dd>
<dt>Asked</dt><dd>${clock(lease.askedAt)}</dd>
<dt>Ends</dt><dd>${clock(lease.endsAt)}${when(state === 'live', () => left(lease.endsAt, page.now))}</dd>
<dt>Stops by itself</dt><dd>${ends === undefined ? 'never, or not known' : markup`${clock(ends)}${left(ends, page.now)}`}</dd>
${when(
  lease.endReason !== null,
  () => markup`<dt>Ended because</dt><dd>${outside(lease.endReason ?? '')}</dd>`,
)}
${when(
  failing,
  () => markup`<dt>Failing since</dt><dd>${clock(lease.failedSince)}, ${String(lease.attempts)} attempts</dd>
<dt>Last error</dt><dd>${outside(lease.lastError ?? '', 500)}</dd>
<dt>Next attempt</dt><dd>${lease.nextTryAt === null ? 'none: nobody knows which it is' : clock(lease.nextTryAt)}</dd>`,
)}
</dl>
${when(state !== 'live', () => markup`<p class="quiet">${sentence(leaseStateText(lease))}.</p>`)}
${when(page.mayRevoke && revocable(lease), () => revokePart(lease))}
<p class="quiet">Lease <code>${lease.id}</code></p>
</section></li>
`
}

function sentence(text: string): Markup {
  return outside(text.charAt(0).toUpperCase() + text.slice(1), 1_000)
}

function left(end: Date, now: number): Markup {
  return markup`, <span data-left="${String(Math.max(0, end.getTime() - now))}"></span>`
}

const revocable = ({ state, nextTryAt, endReason }: Lease): boolean =>
  (openStates as readonly string[]).includes(state) &&
  ((state === 'live' && endReason === null) || (state === 'could_not_revoke' && nextTryAt !== null))

function revokePart({ id, state }: Lease): Markup {
  return markup`<form method="post" action="/leases" data-act="/v1/leases/${id}/revoke">
<button type="submit" disabled>${state === 'live' ? 'Revoke it now' : 'Try again now'}</button>
<p class="said" role="alert" data-said></p>
</form>`
}
