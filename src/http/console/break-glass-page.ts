/**
 * What a second admin reads before they break the glass, and where it is ended. The reason is a person's own words, set
 * apart from what the broker says; what is confirmed is named in full, since nobody is asked about any of it afterwards.
 */
import { confirmableFor } from '../../core/break-glass.ts'
import type { BreakGlassRecord, BreakGlassState } from '../../directory/break-glass.ts'
import { clock } from '../approval-outcome.ts'
import { marked, markup, outside, outsideQuoted, when, type Markup } from './markup.ts'

export type ShownBreakGlass = {
  readonly record: BreakGlassRecord
  readonly state: BreakGlassState
  readonly environment: { readonly name: string; readonly protected: boolean }
  /** Of the grant; undefined where it is for the whole environment. */
  readonly grant: { readonly agent: string; readonly verbs: readonly string[] } | undefined
  /** Names. */
  readonly askedBy: string
  readonly confirmedBy: string | undefined
  readonly endedBy: string | undefined
  /** Why it lets nothing through although it was confirmed; undefined where it does. */
  readonly idle: string | undefined
  readonly own: boolean
  /** Why this person cannot confirm it; undefined where they can. */
  readonly refusal: string | undefined
}

export type BreakGlassPage = {
  readonly all: readonly ShownBreakGlass[]
  readonly more: boolean
  readonly mayEnd: boolean
  /** Whether confirming asks for a passkey besides the password. */
  readonly touch: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
}

export function breakGlassBody(page: BreakGlassPage): Markup {
  const { all, more } = page
  const of = (...states: readonly BreakGlassState[]): readonly ShownBreakGlass[] =>
    all.filter(({ state }) => states.includes(state))
  const over = of('over', 'ended', 'expired')
  return markup`<div data-refresh>
<h1>Break-glass</h1>
<p>For a while, what a grant, or a whole environment, would ask a person for goes out unasked. It takes two admins.</p>
${part('In force', of('in_force'), page, 'None is in force.')}
${part('Waits for a second admin', of('asked'), page, 'None is asked for.')}
${when(over.length > 0, () => part('Over, within the last hour', over, page, ''))}
${when(
  more,
  () =>
    markup`<p class="notice">There is more than is shown here: <code>valetkey break-glass list</code> has all of it.</p>`,
)}
<p class="quiet">To ask for one: <code>valetkey break-glass ask</code></p>
</div>`
}

function part(
  title: string,
  shown: readonly ShownBreakGlass[],
  page: BreakGlassPage,
  none: string,
): Markup {
  return markup`<h2>${title}</h2>
${
  shown.length === 0
    ? markup`<p class="quiet">${none}</p>`
    : markup`<ul class="cards">${shown.map((each) => card(each, page))}</ul>`
}`
}

function card(shown: ShownBreakGlass, page: BreakGlassPage): Markup {
  const { record, state, environment, grant } = shown
  const closed = state === 'over' || state === 'ended' || state === 'expired'
  return markup`<li${closed ? undefined : markup` class="${state}"`}><section>
<p><strong>${
    grant === undefined
      ? markup`Every request in ${outside(environment.name)}, of every agent`
      : markup`Every request of the agent ${outsideQuoted(grant.agent)} under one grant`
  }</strong></p>
<dl class="facts">
<dt>Environment</dt><dd>${outside(environment.name)} ${
    environment.protected
      ? markup`<span class="chip grave">protected</span>`
      : markup`<span class="chip">not protected</span>`
  }</dd>
${when(
  record.grantId !== null,
  () => markup`<dt>Grant</dt><dd><code>${record.grantId ?? ''}</code></dd>
<dt>What it allows</dt><dd>${outside((grant?.verbs ?? []).join(' '), longestVerbs)}</dd>`,
)}
<dt>Reason given</dt><dd>${outsideQuoted(record.reason)}</dd>
<dt>Asked by</dt><dd>${outside(shown.askedBy)}, ${clock(record.askedAt)}</dd>
${times(shown, page.now)}
</dl>
${when(shown.idle !== undefined, () => markup`<p class="notice">It lets nothing through: ${marked(shown.idle ?? '')}.</p>`)}
${when(state === 'asked', () => confirmPart(shown, page))}
${when(!closed && page.mayEnd, () => endPart(shown))}
<p class="quiet">Break-glass <code>${record.id}</code></p>
</section></li>
`
}

const longestVerbs = 2_000

function times({ record, state, confirmedBy, endedBy }: ShownBreakGlass, now: number): Markup {
  const minutes = `${String(record.seconds / 60)} min`
  const confirmed = when(
    confirmedBy !== undefined,
    () =>
      markup`<dt>Confirmed by</dt><dd>${outside(confirmedBy ?? '')}, ${clock(record.confirmedAt)}</dd>`,
  )
  const ended = when(
    endedBy !== undefined,
    () => markup`<dt>Ended by</dt><dd>${outside(endedBy ?? '')}, ${clock(record.endedAt)}</dd>`,
  )
  switch (state) {
    case 'asked':
      return markup`<dt>Lasts</dt><dd>${minutes} from when it is confirmed</dd>
<dt>To be confirmed until</dt><dd>${until(new Date(record.askedAt.getTime() + confirmableFor), now)}</dd>`
    case 'in_force':
      return markup`${confirmed}<dt>Ends</dt><dd>${until(record.endsAt, now)}</dd>`
    case 'over':
      return markup`${confirmed}<dt>Ended</dt><dd>${clock(record.endsAt)}, by itself</dd>`
    case 'ended':
      return markup`${confirmed}${ended}`
    case 'expired':
      return markup`<dt>Confirmed by</dt><dd>nobody, in time</dd>`
  }
}

function until(time: Date | null, now: number): Markup {
  const left = Math.max(0, (time?.getTime() ?? now) - now)
  return markup`${clock(time)}, <span data-left="${String(left)}"></span>`
}

function confirmPart({ record, environment, refusal }: ShownBreakGlass, page: BreakGlassPage) {
  if (refusal !== undefined)
    return markup`<p class="notice">You cannot confirm it: ${marked(refusal)}.</p>`
  const { name } = environment
  return markup`<form method="post" action="/break-glass" data-act="/v1/break-glass/${record.id}/confirm"${
    page.touch ? markup` data-touch="break_glass.confirm" data-subject="${record.id}"` : undefined
  }>
<p>Confirmed, it lets these requests out of ${outside(name)} <strong>with nobody asked about any of them</strong>. Those that wait for an approval now are stopped, and can be sent again. It lifts no freeze, and adds nothing to what is allowed.</p>
<label>Your password <input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>
<button type="submit" disabled>Confirm…</button>
<p class="said" role="alert" data-said></p>
${when(page.touch, () => markup`<p class="quiet">It asks for your passkey, which signs that you confirm this one.</p>`)}
</form>`
}

function endPart({ record, state, own }: ShownBreakGlass): Markup {
  const what = state === 'in_force' ? 'End it now' : own ? 'Take it back' : 'Turn it down'
  return markup`<form method="post" action="/break-glass" data-act="/v1/break-glass/${record.id}/end">
<button type="submit" disabled>${what}</button>
<p class="said" role="alert" data-said></p>
</form>`
}
