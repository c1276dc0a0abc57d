/** One's one-time codes: whether they are set up, and what sets them up and takes them away. */
import type { CodeState } from '../../approval/one-time-code.ts'
import type { PresenceAct } from '../../approval/presence.ts'
import { markup, when, type Markup } from './markup.ts'

/** What an act asks for besides the password: the name of the touch and what it is for; undefined where none is asked. */
export type TouchOfAct = { readonly act: PresenceAct; readonly subject: string } | undefined

export type OneTimeCodePart = {
  /** Whether an admin has switched them on. */
  readonly on: boolean
  readonly state: CodeState['state']
  readonly touch: TouchOfAct
  /** Why they cannot be set up; undefined where they can. */
  readonly obstacle: string | undefined
}

/** Undefined where there is nothing to say: they are off, and this person has none. */
export function oneTimeCodePart(part: OneTimeCodePart): Markup | undefined {
  const { on, state, touch, obstacle } = part
  if (!on && state === 'none') return undefined
  return markup`<section data-codes>
<h2>One-time codes</h2>
<p class="quiet">For who has no passkey at hand. A code approves nothing in a protected environment, and leaves nothing that anybody could check later.</p>
${when(!on, () => markup`<p class="notice">An admin has switched them off: none is accepted now.</p>`)}
<p data-code-state>${stateText[state]}</p>
${when(on && state !== 'enrolled' && obstacle !== undefined, () => markup`<p class="notice">They cannot be set up: ${obstacle ?? ''}.</p>`)}
${when(
  on && state !== 'enrolled' && obstacle === undefined,
  () => markup`${setUpForm(state === 'waiting', touch)}
${codeForm(state === 'waiting')}`,
)}
${when(state !== 'none', removeForm)}
</section>`
}

const stateText: Readonly<Record<CodeState['state'], string>> = {
  none: 'They are not set up.',
  waiting: 'A secret was made, and is not in force: no code of it has been given yet.',
  enrolled: 'They are set up, and in force.',
}

function setUpForm(again: boolean, touch: TouchOfAct): Markup {
  return markup`<form method="post" action="/passkeys" data-code-set-up${touched(touch)}>
<label>Password, to set them up <input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>
<button type="submit" disabled>${again ? 'Make a new secret…' : 'Set up…'}</button>
<p class="said" role="alert" data-said></p>
${when(touch !== undefined, () => markup`<p class="quiet">It asks for a touch of a passkey of yours.</p>`)}
</form>
<div class="notice" data-code-secret hidden>
<p>Put this into your authenticator app now. It is shown this once.</p>
<p>Secret: <code data-secret></code></p>
<p class="quiet">The same for an app that takes an address: <code data-uri></code></p>
</div>`
}

function codeForm(waiting: boolean): Markup {
  return markup`<form method="post" action="/passkeys" data-act="/v1/one-time-code/confirm" data-code-confirm${waiting ? undefined : markup` hidden`}>
<label>Code that the app shows <input name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}" minlength="6" maxlength="6" title="six digits" required></label>
<button type="submit" disabled>Put into force</button>
<p class="said" role="alert" data-said></p>
</form>`
}

function removeForm(): Markup {
  return markup`<details><summary>Remove them</summary>
<form method="post" action="/passkeys" aria-label="Remove the one-time codes" data-act="/v1/one-time-code/remove">
<label>Password, to remove the codes <input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>
<button type="submit" disabled>Remove the codes</button>
<p class="said" role="alert" data-said></p>
</form>
</details>`
}

function touched(touch: TouchOfAct): Markup | undefined {
  return touch === undefined
    ? undefined
    : markup` data-touch="${touch.act}" data-subject="${touch.subject}"`
}
