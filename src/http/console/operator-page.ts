/**
 * The page on which an admin says who may do what. Once they have a passkey, it signs exactly the roles and the state that
 * are chosen here, for exactly this person.
 */
import { hasPasskey } from '../../approval/presence.ts'
import { listOperators, type Operator } from '../../directory/operator.ts'
import type { Deps } from '../deps.ts'
import { operatorOf } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { markup, outside, when, type Markup } from './markup.ts'
import { sendPage } from './page.ts'

const mostListed = 200
const roles = ['admin', 'approver', 'auditor'] as const

type Shown = Operator & { readonly self: boolean; readonly hasPasskey: boolean }

export function operatorPage(app: App, deps: Deps): void {
  app.get(
    '/operators',
    { config: { action: 'console.operators', roles: ['admin'] }, schema: { hide: true } },
    async (request, reply) => {
      const self = operatorOf(request)
      const found = await listOperators(deps.db, { limit: mostListed + 1, after: '' })
      const shown: Shown[] = []
      for (const operator of found.slice(0, mostListed))
        shown.push({
          ...operator,
          self: operator.id === self.id,
          hasPasskey: await hasPasskey(deps.db, operator.id),
        })
      const touch = await hasPasskey(deps.db, self.id)
      return sendPage(reply, 200, {
        title: 'Operators',
        operator: self.name,
        body: markup`<h1>Operators</h1>
${when(touch, () => markup`<p class="quiet">Each change asks for your passkey, which signs it.</p>`)}
<ul class="cards">${shown.map((each) => card(each, touch, deps))}</ul>
${when(found.length > mostListed, () => markup`<p class="notice">There are more than are shown here: <code>valetkey operator list</code> has all.</p>`)}
${addForm(touch, deps)}`,
      })
    },
  )
}

function addForm(
  touch: boolean,
  { identity, localPasswords }: Pick<Deps, 'identity' | 'localPasswords'>,
): Markup {
  if (!localPasswords)
    return markup`<p class="quiet">Who is in a group of ${identity?.label} that gives a role becomes an operator when they first sign in.</p>`
  return markup`<h2>Add one</h2>
<form method="post" action="/operators" data-operator="/v1/operators" data-method="POST"${touching('operator.create', touch)}>
<label>Name <input name="name" autocomplete="off" required maxlength="100"></label>
${roleBoxes([])}
${password()}
<button type="submit" disabled>Add…</button>
<p class="said" role="alert" data-said></p>
</form>`
}

function card(
  operator: Shown,
  touch: boolean,
  { identity: door, localPasswords }: Pick<Deps, 'identity' | 'localPasswords'>,
): Markup {
  const { id, name, roles: has, state, ready, identity } = operator
  return markup`<li><section><strong>${outside(name)}</strong> <span class="quiet">${has.join(', ')}; ${state}${
    ready ? '' : ', no password yet'
  }${operator.hasPasskey ? ', has a passkey' : ''}<br><code>${id}</code></span>
${when(
  identity !== undefined,
  () =>
    markup`<p class="quiet">Signs in at ${outside(identity?.issuer ?? '')} as ${outside(identity?.subject ?? '')}: their groups there give their roles.</p>`,
)}
${when(
  state !== 'revoked',
  () => markup`<details><summary>Change</summary>
<form method="post" action="/operators" data-operator="/v1/operators/${id}" data-method="PATCH"${touching('operator.update', touch, id)}>
${when(identity === undefined, () => roleBoxes(has))}
<label>State <select name="state">${(['active', 'disabled'] as const).map(
    (each) =>
      markup`<option value="${each}"${each === state ? markup` selected` : undefined}>${each}</option>`,
  )}</select></label>
${password()}
<button type="submit" disabled>Change…</button>
<p class="said" role="alert" data-said></p>
</form>
${when(
  identity === undefined && localPasswords,
  () => markup`<form method="post" action="/operators" data-operator="/v1/operators/${id}/reset" data-method="POST"${touching('operator.reset', touch, id)}>
${password()}
<button type="submit" disabled>Take the password away, and make a setup secret…</button>
<p class="said" role="alert" data-said></p>
</form>`,
)}
${when(
  door !== undefined,
  () => markup`<form method="post" action="/operators" data-operator="/v1/operators/${id}/identity" data-method="POST" data-issuer="${door?.provider.issuer}"${touching('operator.tie', touch, id)}>
<label>Subject at ${door?.label} <input name="person" autocomplete="off" required maxlength="255"></label>
${password()}
<button type="submit" disabled>Let them sign in there, and no longer with a password…</button>
<p class="said" role="alert" data-said></p>
</form>`,
)}
${when(
  !operator.self && !operator.hasPasskey && state === 'active',
  () => markup`<form method="post" action="/operators" data-act="/v1/operators/${id}/allow-passkey"${touching('passkey.allow', touch, id)}>
${password()}
<button type="submit" disabled>Allow a first passkey, for a day…</button>
<p class="said" role="alert" data-said></p>
</form>`,
)}</details>`,
)}</section></li>
`
}

function roleBoxes(has: readonly string[]): Markup {
  return markup`<fieldset><legend>Roles</legend>${roles.map(
    (role) =>
      markup`<label><input type="checkbox" name="role" value="${role}"${has.includes(role) ? markup` checked` : undefined}> ${role}</label>
`,
  )}</fieldset>`
}

function password(): Markup {
  return markup`<label>Your password <input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>`
}

function touching(act: string, touch: boolean, subject?: string): Markup | undefined {
  if (!touch) return undefined
  return markup` data-touch="${act}"${subject === undefined ? undefined : markup` data-subject="${subject}"`}`
}
