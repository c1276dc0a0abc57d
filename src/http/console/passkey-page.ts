/** One's passkeys: each with what removes it, and the form that registers another. */
import type { Passkey } from '../../approval/passkey.ts'
import { visible } from '../../core/visible.ts'
import { markup, outside, when, type Markup } from './markup.ts'

export type PasskeyPage = {
  readonly passkeys: readonly Passkey[]
  /** Why none can be registered; undefined where one can. */
  readonly obstacle: string | undefined
  /** No active approver has a passkey. */
  readonly nobodyCanApprove: boolean
  readonly codes: Markup | undefined
}

/** As the API has it: a name that it refuses would be found out when the passkey is made already. */
const namePattern = '[A-Za-z0-9](?:[A-Za-z0-9._\\/@ \\-]{0,98}[A-Za-z0-9])?'

export function passkeyBody({ passkeys, obstacle, nobodyCanApprove, codes }: PasskeyPage): Markup {
  return markup`<h1>Passkeys</h1>
${when(nobodyCanApprove, () => markup`<p class="notice">No active approver has a passkey: nobody can approve with one.</p>`)}
<p>A passkey decides in your name. Keep at least two, on different devices.</p>
${
  passkeys.length === 0
    ? markup`<p class="quiet">You have none yet.</p>`
    : markup`<ul class="cards">${passkeys.map((passkey) => card(passkey, passkeys.length === 1))}</ul>`
}
<h2>Register one</h2>
${
  obstacle === undefined
    ? markup`<form method="post" action="/passkeys" data-register>
${when(passkeys.length > 0, () => markup`<p class="quiet">It is added with a touch of one that you have.</p>`)}
<label>A name for it <input name="name" autocomplete="off" required maxlength="100" pattern="${namePattern}" title="Letters and digits, and between them also . _ / @ - and blanks" placeholder="laptop"></label>
<label>Your password <input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>
<button type="submit" disabled>Register…</button>
<p class="said" role="alert" data-said></p>
</form>`
    : markup`<p class="notice">None can be registered here: ${obstacle}.</p>`
}
${codes}`
}

function card(passkey: Passkey, only: boolean): Markup {
  const { id, name, createdAt, lastUsedAt, synced, fingerprint } = passkey
  return markup`<li><strong>${outside(name)}</strong>
<p class="quiet">registered ${createdAt.toISOString().slice(0, 10)}, ${
    lastUsedAt === undefined ? 'never used' : `last used ${lastUsedAt.toISOString().slice(0, 10)}`
  }, ${synced ? 'may be on several devices' : 'on one device'}<br><code>${fingerprint}</code></p>
<details><summary>Remove it</summary>
<form method="post" action="/passkeys" aria-label="Remove ${visible(name)}" data-act="/v1/passkeys/${id}/remove" data-touch="passkey.remove" data-subject="${id}">
${when(
  only,
  () =>
    markup`<p class="notice">It is your only one. Without it you decide nothing, and another admin must allow you a new one.</p>`,
)}
<label>Password, to remove it <input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>
<button type="submit" disabled>Remove…</button>
<p class="said" role="alert" data-said></p>
<p class="quiet">It asks for a touch of a passkey of yours: this one or another. Where you have lost them all, another admin removes them.</p>
</form>
</details></li>
`
}
