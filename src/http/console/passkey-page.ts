/** One's passkeys, and the form that registers another. */
import type { Passkey } from '../../approval/passkey.ts'
import { markup, outside, when, type Markup } from './markup.ts'

/** `obstacle`: why none can be registered; undefined where one can. */
export function passkeyBody(passkeys: readonly Passkey[], obstacle: string | undefined): Markup {
  return markup`<h1>Passkeys</h1>
<p>A passkey decides in your name. Keep at least two, on different devices.</p>
${
  passkeys.length === 0
    ? markup`<p class="quiet">You have none yet.</p>`
    : markup`<ul class="cards">${passkeys.map(
        ({
          name,
          createdAt,
          lastUsedAt,
          synced,
          fingerprint,
        }) => markup`<li><strong>${outside(name)}</strong>
<p class="quiet">registered ${createdAt.toISOString().slice(0, 10)}, ${
          lastUsedAt === undefined
            ? 'never used'
            : `last used ${lastUsedAt.toISOString().slice(0, 10)}`
        }, ${synced ? 'may be on several devices' : 'on one device'}<br><code>${fingerprint}</code></p></li>
`,
      )}</ul>`
}
<h2>Register one</h2>
${
  obstacle === undefined
    ? markup`<form method="post" action="/passkeys" data-register>
${when(passkeys.length > 0, () => markup`<p class="quiet">It is added with a touch of one that you have.</p>`)}
<label>A name for it <input name="name" autocomplete="off" required maxlength="100" placeholder="laptop"></label>
<label>Your password <input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>
<button type="submit" disabled>Register…</button>
<p class="said" role="alert" data-said></p>
</form>`
    : markup`<p class="notice">None can be registered here: ${obstacle}.</p>`
}
<p class="quiet">To remove one: <code>valetkey passkey remove</code></p>`
}
