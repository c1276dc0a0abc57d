/**
 * The page on which a person decides. What it says comes from the document that they sign, drawn by the broker from what
 * it understood; the agent's own words stand at the end, apart, and marked as such. Neither button has the focus.
 */
import type { Approval, AskedBefore } from '../../approval/store.ts'
import type { ShownOperation } from '../../core/approval.ts'
import { sentence, shownLimits } from '../../core/approval-facts.ts'
import { graveEffects } from '../../core/operation.ts'
import { clock, type Outcome } from '../approval-outcome.ts'
import { shownArguments } from './arguments.ts'
import { marked, markup, outside, outsideQuoted, when, type Markup } from './markup.ts'

/** What stands around the buttons, or in their place. */
export type DecisionPart = {
  /** Why this person may not; undefined where they may. */
  readonly approveRefusal: string | undefined
  readonly denyRefusal: string | undefined
  readonly hasPasskey: boolean
  /** Whether a one-time code of theirs decides this. */
  readonly codeAllowed: boolean
  readonly mayStop: boolean
  readonly mayFreeze: boolean
  /** What a passkey is asked to sign for each, base64url: the script compares it with what it is given. */
  readonly challenges: { readonly approve: string; readonly deny: string }
}

export type ApprovalPage = {
  readonly approval: Approval
  readonly outcome: Outcome
  readonly before: { readonly request: AskedBefore; readonly operations: AskedBefore }
  readonly decision: DecisionPart
  readonly agentOwner: string
  /** Of `document.actors`, one for each. */
  readonly actorOwners: readonly string[]
  /** Verbs of the grant; undefined where it is gone. */
  readonly verbs: readonly string[] | undefined
  readonly routing: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

export function approvalBody(page: ApprovalPage): Markup {
  const { approval, outcome, decision, now } = page
  const { document } = approval
  const waiting = outcome.kind === 'waiting'
  return markup`<article data-approval="${approval.id}" data-stamp="${stampOf(approval)}" data-kind="${outcome.kind}" data-approve="${decision.challenges.approve}" data-deny="${decision.challenges.deny}">
${when(!waiting || approval.approvedBy.length > 0, () => outcomePart(page))}
<p class="kicker">${waiting ? 'If this is approved, this happens' : 'This is what was asked for'}</p>
<h1>${marked(sentence(document))}</h1>
<dl class="facts">
<dt>Environment</dt><dd><strong>${outside(document.environment.name)}</strong> ${
    document.environment.protected
      ? markup`<span class="chip grave">protected</span>`
      : markup`<span class="chip">not protected</span>`
  }</dd>
</dl>
<h2>Operations and objects</h2>
${document.operations.map((operation) => operationPart(operation, document.provider))}
<h2>What will be lost</h2>
${
  document.facts.length === 0
    ? markup`<p>Nothing was found out about this. Take it that all of the objects above is lost.</p>`
    : markup`<dl class="facts">${document.facts.map(
        ({ label, value }) => markup`<dt>${outside(label)}</dt><dd>${outside(value)}</dd>
`,
      )}</dl>`
}
<h2>Who asks</h2>
<dl class="facts">
<dt>Agent</dt><dd>${outsideQuoted(document.agent.name)} <code>${document.agent.id}</code></dd>
<dt>Its owner</dt><dd>${outside(page.agentOwner)}</dd>
${(document.actors ?? []).map(
  ({ id, name }, i) =>
    markup`<dt>${i === 0 ? 'Sent on its behalf by' : 'Itself on behalf of'}</dt><dd>${outsideQuoted(name)} <code>${id}</code>, owned by ${outside(page.actorOwners[i] ?? 'nobody')}</dd>
`,
)}<dt>Under the grant</dt><dd><code>${document.grantId}</code>${when(
    page.verbs !== undefined,
    () => markup`: ${outside((page.verbs ?? []).join(' '), 300)}`,
  )}</dd>
<dt>A person is asked</dt><dd>${outside(document.because.join('; '))}</dd>
</dl>
<h2>Exact arguments</h2>
${document.operations.map(
  ({ name, arguments: exact }) =>
    markup`<p class="quiet">${outside(name)}</p>${shownArguments(exact)}`,
)}
<h2>Asked before</h2>
<dl class="facts">
<dt>Exactly this</dt><dd>${counted(page.before.request)}</dd>
<dt>The same operations</dt><dd>${counted(page.before.operations)}</dd>
</dl>
<h2>Time</h2>
<dl class="facts">
<dt>Asked</dt><dd>${clock(approval.requestedAt)}</dd>
<dt>${waiting ? 'No answer is a no' : 'To be decided until'}</dt><dd>${until(approval.expiresAt, now, waiting)}</dd>
<dt>Once approved</dt><dd>${afterwards(approval)}</dd>
<dt>Who decides</dt><dd>${page.routing}</dd>
</dl>
${when(
  approval.reason !== null,
  () => markup`<aside class="words" aria-label="The agent's own words">
<h2>The agent's own words</h2>
<p class="quiet">Written by the agent. Nobody has checked them, and nothing above comes from them.</p>
<blockquote>${outside(approval.reason ?? '')}</blockquote>
</aside>`,
)}
${decisionPart(page)}
${when(decision.mayFreeze, () => brakePart(document.agent.id))}
<p class="quiet">Signs in <span class="mark">⟨ ⟩</span> are the broker's: they name characters in text from outside that are not plain letters, or are not seen at all.
Request <code>${approval.requestDigest}</code>, approval <code>${approval.id}</code>.</p>
</article>`
}

/** Behind a fold, so that nobody takes it for an answer to the request. */
function brakePart(agentId: string): Markup {
  return markup`<section class="brake"><details><summary>Something is wrong with this agent</summary>
<p>Frozen, it can do nothing at all, on every replica, within a second. An admin lifts it again.</p>
<button type="button" data-freeze="${agentId}" disabled>Freeze the agent</button>
</details>
<p class="said" role="alert" data-said></p></section>`
}

/** Changes whenever what the page says of the state is out of date. */
export function stampOf(approval: Pick<Approval, 'state' | 'approvedBy'>): string {
  return `${approval.state} ${String(approval.approvedBy.length)}`
}

function outcomePart({ approval, outcome, decision, now }: ApprovalPage): Markup {
  return markup`<section class="outcome ${outcome.kind}" role="status">
<p><strong>${outcome.what}</strong></p>
<p>${outcome.next}</p>
${when(approval.state === 'held', () => markup`<p>${until(approval.heldUntil, now, true)}</p>`)}
${when(
  decision.mayStop,
  () => markup`<p><button type="button" data-stop disabled>Stop it</button></p>
<p class="said" role="alert" data-said></p>`,
)}
${when(
  approval.decisions.length > 0,
  () =>
    markup`<p class="quiet"><a href="/v1/approvals/${approval.id}/evidence" download>The evidence of the decision</a>, for <code>valetkey approval verify</code></p>`,
)}
</section>`
}

function operationPart({ name, effects, objects }: ShownOperation, provider: string): Markup {
  return markup`<section class="operation">
<p><strong>${outside(`${provider}:${name}`)}</strong> ${effects.map(
    (effect) =>
      markup`<span class="chip${graveEffects.includes(effect) ? ' grave' : ''}">${effect}</span> `,
  )}</p>
${
  objects.length === 0
    ? markup`<p class="quiet">It names no object.</p>`
    : markup`<ul>${objects.map(
        (object) => markup`<li>${objectName(object)}<br><span class="quiet">lives in ${
          object.livesIn.length === 0
            ? 'a place that was not told'
            : object.livesIn.map(
                (home, i) => markup`${i === 0 ? '' : ', '}${outside(home, shownLimits.name)}`,
              )
        }</span></li>
`,
      )}</ul>`
}
</section>`
}

function objectName({ id, name }: ShownOperation['objects'][number]): Markup {
  const shownId = markup`<code>${outside(id)}</code>`
  return name === undefined
    ? markup`${shownId}`
    : markup`<strong>${outsideQuoted(name, longestName)}</strong> ${shownId}`
}

/** With the words that say that it was cut. */
const longestName = shownLimits.name + 120

function counted({ asked, refused }: AskedBefore): string {
  if (asked === 0) return 'never'
  const times = asked === 1 ? 'once' : `${String(asked)} times`
  return `${times}, ${refused === 0 ? 'never refused' : `refused ${refused === 1 ? 'once' : `${String(refused)} times`}`}`
}

function afterwards({ execute, holdSeconds }: Approval): string {
  if (holdSeconds > 0)
    return `held for ${duration(holdSeconds)}, in which it can be stopped; then the broker sends it, once`
  return execute === 'broker'
    ? 'the broker sends it at once, and once'
    : 'the agent may send exactly this request, once; there is no undo window'
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  const rest = seconds % 60
  return [
    minutes > 0 ? `${String(minutes)} min` : '',
    rest > 0 || minutes === 0 ? `${String(rest)} s` : '',
  ]
    .filter((part) => part !== '')
    .join(' ')
}

/** The script counts down from what was left when the page was made: the clocks of two machines differ. */
function until(time: Date | null, now: number, counts: boolean): Markup {
  if (time === null) return markup`${clock(time)}`
  const left = time.getTime() - now
  return markup`<time datetime="${time.toISOString()}">${clock(time)}</time>${when(
    counts && left > 0,
    () => markup`, <span data-left="${String(left)}">in ${duration(Math.ceil(left / 1000))}</span>`,
  )}`
}

function decisionPart({ outcome, decision }: ApprovalPage): Markup | undefined {
  if (outcome.kind !== 'waiting') return undefined
  const { approveRefusal, denyRefusal, hasPasskey, codeAllowed } = decision
  if (approveRefusal !== undefined && denyRefusal !== undefined)
    return markup`<section class="decision"><p class="notice">You cannot decide: ${approveRefusal}.</p></section>`
  return markup`<section class="decision" aria-label="Your decision">
${when(approveRefusal !== undefined, () => markup`<p class="notice">You cannot approve: ${approveRefusal ?? ''}.</p>`)}
${
  hasPasskey
    ? markup`<p class="buttons">
${when(approveRefusal === undefined, () => markup`<button type="button" data-decide="approve" disabled>Approve…</button>`)}
<button type="button" data-decide="deny" disabled>Deny…</button>
</p>
<p class="quiet">Either asks for your passkey, which signs what this page says and what you decide.</p>`
    : markup`<p class="notice">You have no passkey yet: <a href="/passkeys">register one</a>, and come back.</p>`
}
${when(
  codeAllowed,
  () => markup`<details><summary>Without a passkey</summary>
<label>One-time code <input data-code inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}" maxlength="6"></label>
<p class="buttons">${when(approveRefusal === undefined, () => markup`<button type="button" data-decide="approve" data-with-code disabled>Approve with the code</button>`)}
<button type="button" data-decide="deny" data-with-code disabled>Deny with the code</button></p>
<p class="quiet">A code leaves nothing that anybody could check later.</p>
</details>`,
)}
<p class="said" role="alert" data-said></p>
</section>`
}
