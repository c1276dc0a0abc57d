/** What waits for whoever is signed in, what can still be stopped, and what waits for others. */
import type { Approval } from '../../approval/store.ts'
import { sentence } from '../../core/approval-facts.ts'
import { clock } from '../approval-outcome.ts'
import { marked, markup, outside, type Markup } from './markup.ts'

export type ListPage = {
  readonly mine: readonly Approval[]
  readonly stoppable: readonly Approval[]
  readonly others: readonly Approval[]
  readonly now: number
  readonly more: boolean
  /** What is wrong elsewhere and must not be overlooked. */
  readonly notice?: Markup | undefined
}

export function listBody({ mine, stoppable, others, now, more, notice }: ListPage): Markup {
  return markup`<div data-refresh>
<h1>Approvals</h1>
${notice}
${part('Waits for you', mine, now, 'Nothing waits for you.')}
${stoppable.length === 0 ? undefined : part('Approved, and can still be stopped', stoppable, now, '')}
${others.length === 0 ? undefined : part('Waits for others', others, now, '')}
${more ? markup`<p class="notice">There is more than is shown here: <code>valetkey approval list</code> has all of it.</p>` : undefined}
</div>`
}

function part(title: string, approvals: readonly Approval[], now: number, none: string): Markup {
  return markup`<h2>${title}</h2>
${
  approvals.length === 0
    ? markup`<p class="quiet">${none}</p>`
    : markup`<ul class="cards">${approvals.map((approval) => card(approval, now))}</ul>`
}`
}

function card(approval: Approval, now: number): Markup {
  const { document } = approval
  const end =
    approval.state === 'held' ? approval.heldUntil : (approval.usableUntil ?? approval.expiresAt)
  const word =
    approval.state === 'pending'
      ? 'No answer is a no at'
      : approval.state === 'held'
        ? 'Sent at'
        : 'Void at'
  const left = (end?.getTime() ?? now) - now
  return markup`<li><a href="/approvals/${approval.id}">${marked(sentence(document))}</a>
<p class="quiet">${outside(document.environment.name)} ${
    document.environment.protected ? markup`<span class="chip grave">protected</span>` : undefined
  }<br>${word} ${clock(end)}, <span data-left="${String(Math.max(0, left))}"></span></p></li>
`
}
