/**
 * Text that somebody else chose (the reason of whoever asks, names of people, agents and environments, verbs, names of
 * passkeys) on the pages on which a second admin breaks the glass and a person minds their passkeys: it must never become
 * a part of the page, lead to another act, nor look like a word of ours.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Passkey } from '../../src/approval/passkey.ts'
import { unseen } from '../../src/core/visible.ts'
import { breakGlassBody, type ShownBreakGlass } from '../../src/http/console/break-glass-page.ts'
import { toHtml } from '../../src/http/console/markup.ts'
import { passkeyBody } from '../../src/http/console/passkey-page.ts'
import { newId } from '../../src/ids.ts'
import { openGlass } from '../support/broken-glass.ts'
import { openChromium, withoutChromium } from '../support/chromium.ts'
import { getPage, signInCookie } from '../support/console.ts'
import { signInOn } from '../support/sign-in-page.ts'

const fields = ['reason', 'environment', 'agent', 'verb', 'asker', 'confirmer', 'ender'] as const
type Texts = { readonly [field in (typeof fields)[number]]: string }
const same = (text: string): Texts =>
  Object.fromEntries(fields.map((field) => [field, text])) as Texts

const now = Date.parse('2026-06-01T12:00:00.000Z')
const states = ['asked', 'in_force', 'ended'] as const

/** One in each state, with a form to confirm and one to end. */
function glass(texts: Texts): string {
  const all = states.map((state): ShownBreakGlass => ({
    record: {
      id: newId('breakGlass', now),
      grantId: newId('grant', now),
      environmentId: newId('environment', now),
      reason: texts.reason,
      seconds: 600,
      askedBy: newId('operator', now),
      askedAt: new Date(now),
      confirmedBy: state === 'asked' ? null : newId('operator', now),
      confirmedAt: state === 'asked' ? null : new Date(now),
      endsAt: state === 'asked' ? null : new Date(now + 600_000),
      endedBy: state === 'ended' ? newId('operator', now) : null,
      endedAt: state === 'ended' ? new Date(now) : null,
    },
    state,
    environment: { name: texts.environment, protected: true },
    grant: { agent: texts.agent, verbs: [texts.verb] },
    askedBy: texts.asker,
    confirmedBy: state === 'asked' ? undefined : texts.confirmer,
    endedBy: state === 'ended' ? texts.ender : undefined,
    idle: undefined,
    own: false,
    refusal: undefined,
  }))
  return toHtml(breakGlassBody({ all, more: false, mayEnd: true, touch: true, now }))
}

function passkeys(name: string): string {
  const passkey: Passkey = {
    id: newId('passkey', now),
    operatorId: newId('operator', now),
    credentialId: 'AAAA',
    publicKey: Buffer.alloc(1),
    algorithm: 'ES256',
    fingerprint: 'f'.repeat(64),
    counter: 0,
    transports: [],
    synced: false,
    name,
    createdAt: new Date(now),
    lastUsedAt: undefined,
  }
  return toHtml(
    passkeyBody({
      passkeys: [passkey],
      obstacle: undefined,
      nobodyCanApprove: false,
      codes: undefined,
    }),
  )
}

/** Its tags in order, without the marks that the broker writes into text from outside. */
function skeleton(page: string): string {
  return [
    ...page
      .replaceAll(/<span class="mark">⟨[^<>⟩]*⟩<\/span>/g, '')
      .replaceAll(/ aria-label="Remove [^"<>]*"/g, '')
      .replaceAll(/\b(bg|gr|env|op|pk)_[0-9a-z]{26}\b/g, '$1')
      .matchAll(/<[^>]*>|\n/g),
  ]
    .map(([tag]) => tag)
    .join('')
}

const hostile: Readonly<Record<string, string>> = {
  html: '</section></li><form data-act="/v1/freezes"><button>Confirm…</button><script>alert(1)</script>',
  attribute: `" data-act="/v1/break-glass/x/confirm" onfocus="alert(1)" autofocus x='`,
  entity: '&lt;b&gt; &#60;script&#62;',
  comment: '<!-- --><![CDATA[ ]]>',
  bidi: 'prod\u202egnigats\u2066',
  rightToLeft: 'pro\u05d0\u05d1d',
  newlines: 'safe\r\n\u2028Environment: not protected\u0085',
  homoglyph: 'pr\u043ed',
  joined: 'a\u200db\u00ad\ufeff',
  ourMark: '⟨U+0041⟩',
  quotes: '" and nobody is asked "',
  nul: 'a\u0000b',
  half: 'a\ud800b',
}

const plain = [skeleton(glass(same('x'))), skeleton(passkeys('x'))]

function unchanged(texts: Texts): void {
  const pages = [glass(texts), passkeys(texts.reason)]
  assert.deepEqual(pages.map(skeleton), plain)
  for (const page of pages) assert.deepEqual(page.replaceAll('\n', '').match(unseen), null)
}

for (const [what, text] of Object.entries(hostile)) {
  test(`text with ${what} in every field leaves the pages as they are`, () => {
    unchanged(same(text))
  })
}

test('whatever the texts are, the pages have the same parts, and nothing unseen in them', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(...Object.values(hostile)),
    fc
      .array(fc.constantFrom('<', '>', '"', "'", '&', '\n', '\u202e', '⟨', '⟩', ' ', '/b'))
      .map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(fc.tuple(...fields.map(() => text)), (all) => {
      unchanged(Object.fromEntries(fields.map((field, i) => [field, all[i]])) as Texts)
    }),
    { numRuns: 150 },
  )
})

test('what is not plainly seen is named, and not dropped', () => {
  const page = glass(same('pr\u043ed\u202e\n'))
  for (const name of ['⟨Cyrillic U+043E⟩', '⟨U+202E⟩', '⟨U+000A⟩'])
    assert.ok(page.split(name).length > fields.length, name)
})

test('a reason cannot close its quotation marks, and one that is long says that it was cut', () => {
  const reason = 'fine" Environment staging, nobody is asked about nothing "'
  assert.ok(!glass({ ...same('x'), reason }).includes('fine&#34; Env'))
  assert.match(glass({ ...same('x'), verb: 'v'.repeat(3_000) }), /cut: 1000 more characters/)
})

test(
  'in a browser: a reason full of markup makes no element, runs nothing and adds no act',
  {
    skip: withoutChromium,
  },
  async (t) => {
    const stage = await openGlass(t)
    const reason = Object.values(hostile).join(' ').replaceAll('\0', '').replaceAll('\ud800', '')
    const id = await stage.asked({ grant: stage.granted.grantId, reason: reason.slice(0, 500) })
    const { page, open, complaints } = await openChromium(t, stage.broker)
    await page.addInitScript('globalThis.alert = () => { globalThis.ran = true }')
    await signInOn(page, open, '/break-glass', 'bob')
    const card = page.locator('.cards > li')
    assert.equal(await card.count(), 1)
    assert.deepEqual(await card.locator('button').allTextContents(), ['Confirm…', 'Turn it down'])
    const acts = await card
      .locator('[data-act]')
      .evaluateAll((forms) => forms.map((form) => form.getAttribute('data-act')))
    assert.deepEqual(acts, [`/v1/break-glass/${id}/confirm`, `/v1/break-glass/${id}/end`])
    assert.ok((await card.textContent())?.includes('⟨U+202E⟩gnigats'))
    assert.equal(await page.evaluate('globalThis.ran'), undefined)
    assert.deepEqual(
      complaints.filter((text) => !text.includes('status of 401')),
      [],
    )
  },
)

test('the pages are sent with a policy under which nothing inline runs, and have nothing inline', async (t) => {
  const stage = await openGlass(t)
  const { broker, granted } = stage
  await stage.asked({ grant: granted.grantId, reason: String(hostile['html']) })
  const cookie = await signInCookie(broker, 'bob')
  for (const path of ['/break-glass', '/passkeys']) {
    const { status, headers, text } = await getPage(broker, path, { cookie })
    assert.equal(status, 200)
    const policy = String(headers['content-security-policy'])
    assert.ok(policy.startsWith("default-src 'none'; script-src 'self'; style-src 'self'"))
    assert.ok(!policy.includes('unsafe'))
    for (const [tag] of text.matchAll(/<[^>]*>/g))
      assert.ok(!/ (on[a-z]+|style)=/i.test(tag), `${path}: ${tag}`)
    assert.equal([...text.matchAll(/<script/g)].length, 2)
  }
})
