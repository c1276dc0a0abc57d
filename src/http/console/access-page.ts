/**
 * The page on which a person gives an agent access for a time, or less of what it asked for. Every box is one verb, drawn
 * with all that it can do; what the passkey signs is what is chosen here. The agent's own words stand at the end, apart.
 */
import { oneTimeCodesOn, readCodeState } from '../../approval/one-time-code.ts'
import { listPasskeys } from '../../approval/passkey.ts'
import { shortestAccess } from '../../core/access-request.ts'
import { graveEffects, type Effect } from '../../core/operation.ts'
import type { AccessRequest } from '../../directory/access-request.ts'
import type { Policy } from '../../directory/policy.ts'
import { Problem } from '../../problem.ts'
import { findAccessRequest, freshPolicy, oneView } from '../admin/access-request.ts'
import { requireSettling } from '../admin/access-settling.ts'
import { clock } from '../approval-outcome.ts'
import type { Deps } from '../deps.ts'
import { operatorOf } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { idParams } from '../schemas.ts'
import { markup, outside, outsideQuoted, when, type Markup } from './markup.ts'
import { sendPage } from './page.ts'

type AccessPage = {
  readonly request: AccessRequest
  readonly policy: Policy
  readonly verbs: readonly { readonly verb: string; readonly effects: readonly Effect[] }[]
  readonly deniedBefore: number
  /** Why this person may not; undefined where they may. */
  readonly grantRefusal: string | undefined
  readonly denyRefusal: string | undefined
  readonly hasPasskey: boolean
  /** Whether a one-time code of theirs does. */
  readonly codeAllowed: boolean
}

export function accessPage(app: App, deps: Deps): void {
  app.get(
    '/access-requests/:id',
    {
      config: { action: 'console.access_request', roles: ['admin', 'auditor', 'approver'] },
      schema: { hide: true, params: idParams('accessRequest') },
    },
    async (request, reply) => {
      const { db } = deps
      const operator = operatorOf(request)
      const found = await findAccessRequest(deps, request.params.id)
      const policy = await freshPolicy(deps, found.grantId)
      const refusal = async (
        decision: 'grant' | 'deny',
        proof: 'passkey' | 'one_time_code' = 'passkey',
      ): Promise<string | undefined> =>
        requireSettling(deps, db, request, found, policy, { decision, proof }).then(
          () => undefined,
          (error: unknown) => {
            if (error instanceof Problem) return error.details.detail
            throw error
          },
        )
      const shown = await oneView(deps, found)
      return sendPage(reply, 200, {
        title: 'Access',
        operator: operator.name,
        body: accessBody({
          request: found,
          policy,
          verbs: shown.verbs,
          deniedBefore: shown.denied_before,
          grantRefusal: await refusal('grant'),
          denyRefusal: await refusal('deny'),
          hasPasskey: (await listPasskeys(db, operator.id)).length > 0,
          codeAllowed:
            (await oneTimeCodesOn(db)) &&
            (await readCodeState(db, operator.id)).state === 'enrolled' &&
            (await refusal('grant', 'one_time_code')) === undefined,
        }),
      })
    },
  )
}

function accessBody(page: AccessPage): Markup {
  const { request, policy, verbs, grantRefusal } = page
  const { environment, agent, grant } = policy
  return markup`<article>
<p class="kicker">${request.state === 'pending' ? 'An agent asks for more, for a time' : `This was asked for, and is ${request.state}`}</p>
<h1>Access for ${outsideQuoted(agent.name)}</h1>
<dl class="facts">
<dt>Environment</dt><dd><strong>${outside(environment.name)}</strong> ${
    environment.protected
      ? markup`<span class="chip grave">protected</span>`
      : markup`<span class="chip">not protected</span>`
  }</dd>
<dt>Provider</dt><dd>${outside(grant.provider)}</dd>
<dt>Agent</dt><dd><code>${agent.id}</code></dd>
<dt>Under the grant</dt><dd><code>${grant.id}</code>, whose limits hold</dd>
<dt>Asked</dt><dd>${clock(request.requestedAt)}, ${String(request.times)} times; denied before: ${String(page.deniedBefore)}</dd>
<dt>No answer is a no at</dt><dd>${clock(request.expiresAt)}</dd>
${when(
  request.granted !== null,
  () =>
    markup`<dt>Granted</dt><dd>${outside((request.granted?.verbs ?? []).join(' '), 2_000)} until ${clock(request.granted?.until ?? null)}</dd>`,
)}
</dl>
${
  request.state === 'pending' && grantRefusal === undefined
    ? giveForm(page)
    : markup`<ul>${verbs.map((each) => markup`<li>${verbText(each)}</li>`)}</ul>`
}
${when(
  request.state === 'pending' && grantRefusal !== undefined,
  () => markup`<p class="notice">You cannot grant it: ${outside(grantRefusal ?? '')}.</p>`,
)}
${when(
  request.state === 'pending' && page.denyRefusal === undefined,
  () => markup`<form method="post" action="/access-requests" data-act="/v1/access-requests/${request.id}/deny">
<button type="submit" disabled>Deny all of it</button>
<p class="said" role="alert" data-said></p>
</form>`,
)}
${when(
  request.words !== null,
  () => markup`<aside class="words" aria-label="Its own words">
<h2>The words of whoever asked</h2>
<p class="quiet">Nobody has checked them, and nothing above comes from them.</p>
<blockquote>${outside(request.words ?? '')}</blockquote>
</aside>`,
)}
<p class="quiet">Request for access <code>${request.id}</code></p>
</article>`
}

function giveForm({ request, verbs, hasPasskey, codeAllowed }: AccessPage): Markup {
  if (!hasPasskey && !codeAllowed)
    return markup`<ul>${verbs.map((each) => markup`<li>${verbText(each)}</li>`)}</ul>
<p class="notice">You have no passkey yet: <a href="/passkeys">register one</a>, and come back.</p>`
  return markup`<form method="post" action="/access-requests" data-give="${request.id}">
<fieldset><legend>What is granted</legend>
${verbs.map(
  (each) =>
    markup`<label><input type="checkbox" name="verb" value="${each.verb}" checked> ${verbText(each)}</label>
`,
)}</fieldset>
<label>For how many seconds <input name="seconds" type="number" required min="${String(shortestAccess)}" max="${String(request.asked.seconds)}" value="${String(request.asked.seconds)}"></label>
<label>Your password <input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>
${when(
  codeAllowed,
  () =>
    markup`<label>One-time code, in place of a passkey <input name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}" maxlength="6"></label>
<p class="quiet">A code leaves nothing that anybody could check later.</p>`,
)}
<button type="submit" disabled>Grant…</button>
<p class="said" role="alert" data-said></p>
<p class="quiet">It asks for your passkey, which signs exactly what is chosen here. What destroys still needs an approval for each request.</p>
</form>`
}

function verbText({ verb, effects }: AccessPage['verbs'][number]): Markup {
  return markup`${outside(verb)} ${
    effects.length === 0
      ? markup`<span class="quiet">not there any more</span>`
      : effects.map(
          (effect) =>
            markup`<span class="chip${graveEffects.includes(effect) ? ' grave' : ''}">${effect}</span> `,
        )
  }`
}
