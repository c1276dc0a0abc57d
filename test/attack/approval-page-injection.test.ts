/**
 * Text that an agent, or whoever names things at the provider, chooses, in every field of what an approver reads: it must
 * never become a part of the page, nor look like one.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Approval } from '../../src/approval/store.ts'
import type { ApprovalDocument } from '../../src/core/approval.ts'
import { unseen } from '../../src/core/visible.ts'
import { outcomeOf } from '../../src/http/approval-outcome.ts'
import { approvalBody } from '../../src/http/console/approval-page.ts'
import { toHtml } from '../../src/http/console/markup.ts'
import { newId } from '../../src/ids.ts'
import { openTestBroker } from '../support/broker.ts'
import { approvalDocument } from '../support/approval-document.ts'
import { getPage, signInCookie } from '../support/console.ts'
import { parkOn } from '../support/parked-approval.ts'
import { openStage } from '../support/stage.ts'

type Texts = { readonly [field in (typeof fields)[number]]: string }
const fields = [
  'operation',
  'id',
  'name',
  'home',
  'key',
  'value',
  'label',
  'fact',
  'agent',
  'environment',
  'because',
  'reason',
] as const

function documentOf(texts: Texts): ApprovalDocument {
  const base = approvalDocument()
  return {
    ...base,
    agent: { ...base.agent, name: texts.agent },
    actors: [{ id: base.agent.id, name: texts.agent }],
    environment: { ...base.environment, name: texts.environment },
    operations: [
      {
        name: texts.operation,
        effects: ['write', 'destructive'],
        objects: [{ id: `volume:${texts.id}`, name: texts.name, livesIn: [texts.home] }],
        arguments: { nested: { [`k${texts.key}`]: [texts.value] } },
      },
    ],
    facts: [{ label: texts.label, value: texts.fact }],
    because: [texts.because],
  }
}

/** The whole article, as it would be sent. */
function drawn(texts: Texts): string {
  const document = documentOf(texts)
  const { agent, environment, grantId, requestDigest, requestedAt, expiresAt } = document
  const approval: Approval = {
    id: document.id,
    state: 'pending',
    document,
    requestDigest,
    agentId: agent.id,
    grantId,
    environmentId: environment.id,
    provider: 'railway',
    capabilityId: newId('capability'),
    ancestors: [],
    actors: [],
    ruleId: null,
    actorRules: [],
    bound: false,
    credential: { id: newId('credential'), version: 1 },
    execute: 'agent',
    holdSeconds: 0,
    rule: 'anyone',
    reason: texts.reason,
    requestedAt: new Date(requestedAt),
    expiresAt: new Date(expiresAt),
    approvedBy: [],
    deniedBy: null,
    decisions: [],
    settledAt: null,
    heldUntil: null,
    usableUntil: null,
    cancelledBy: null,
    cancelReason: null,
    sentBy: null,
    leaseUntil: null,
    endedAt: null,
    standsUntil: null,
    hasAnswer: false,
  }
  const none = { asked: 0, refused: 0 }
  return toHtml(
    approvalBody({
      approval,
      outcome: outcomeOf(approval, requestedAt, (id) => id),
      before: { request: none, operations: none },
      agentOwner: 'ada',
      actorOwners: [],
      verbs: ['read'],
      routing: 'every approver',
      now: requestedAt,
      decision: {
        approveRefusal: undefined,
        denyRefusal: undefined,
        hasPasskey: true,
        codeAllowed: true,
        mayStop: false,
        mayFreeze: true,
        challenges: { approve: 'a', deny: 'b' },
      },
    }),
  )
}

const same = (text: string): Texts =>
  Object.fromEntries(fields.map((field) => [field, text])) as Texts

/** Its tags in order, without the marks that the broker writes into text from outside. */
function skeleton(page: string): string {
  const marks = page.replaceAll(/<span class="mark">⟨[^<>⟩]*⟩<\/span>/g, '')
  const ids = marks.replaceAll(/\b(apr|ag|gr)_[0-9a-z]{26}\b|\b[0-9a-f]{64}\b/g, '$1')
  return [...ids.matchAll(/<[^>]*>|\n/g)].map(([tag]) => tag).join('')
}

/** What a person sees of it, as text. */
function seen(page: string): string {
  return page
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
}

const plain = skeleton(drawn(same('x')))

const hostile: Readonly<Record<string, string>> = {
  html: '</blockquote></aside><button data-decide="approve">Deny…</button><script>alert(1)</script>',
  attribute: `" onfocus="alert(1)" autofocus x='`,
  entity: '&lt;b&gt; &#60;script&#62;',
  comment: '<!-- --><![CDATA[ ]]>',
  template: '${alert(1)}{{constructor}}',
  markdown: '[Deny](javascript:alert(1)) **bold** `code`',
  bidi: 'prod\u202egnigats\u2066',
  rightToLeft: 'pro\u05d0\u05d1d',
  newlines: 'safe\r\n\u2028Environment: not protected\u0085',
  escape: '\u001b]8;;http://evil.example\u0007link\u001b[2K',
  homoglyph: 'pr\u043ed',
  joined: 'a\u200db\u00ad\ufeff',
  ourMark: '⟨U+0041⟩',
  combining: `a${'\u0301'.repeat(20)}`,
  nul: 'a\u0000b',
  half: 'a\ud800b',
  blanks: `a${' '.repeat(200)}protected`,
}

for (const [what, text] of Object.entries(hostile)) {
  test(`text with ${what} in every field leaves the page as it is, and is seen as what it is`, () => {
    const page = drawn(same(text))
    assert.equal(skeleton(page), plain)
    assert.deepEqual(page.replaceAll('\n', '').match(unseen), null)
    assert.ok(!page.includes('<script'), 'there is no script in it')
  })
}

test('what is not plainly seen is named, and not dropped', () => {
  const text = seen(drawn(same('pr\u043ed\u202e\n')))
  for (const name of ['⟨Cyrillic U+043E⟩', '⟨U+202E⟩', '⟨U+000A⟩']) {
    const times = text.split(name).length - 1
    assert.ok(times >= fields.length, `${name} is there ${String(times)} times`)
  }
  // A mark that the agent wrote is not one.
  assert.ok(seen(drawn(same('⟨U+0041⟩'))).includes('⟨U+27E8⟩U+0041⟨U+27E9⟩'))
})

test('whatever the texts are, the page has the same parts, and nothing unseen in it', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(...Object.values(hostile)),
    fc
      .array(fc.constantFrom('<', '>', '"', "'", '&', '\n', '\u202e', '⟨', '⟩', ' ', '/b'))
      .map((p) => p.join('')),
  )
  fc.assert(
    fc.property(fc.tuple(...fields.map(() => text)), (all) => {
      const page = drawn(Object.fromEntries(fields.map((field, i) => [field, all[i]])) as Texts)
      assert.equal(skeleton(page), plain)
      assert.deepEqual(page.replaceAll('\n', '').match(unseen), null)
    }),
    { numRuns: 150 },
  )
})

test('the agent’s own words stand apart, after all that the broker says, and are marked as its words', () => {
  const page = drawn({ ...same('x'), reason: 'approve me: only staging' })
  const words = page.indexOf('approve me: only staging')
  assert.equal(page.indexOf('approve me'), page.lastIndexOf('approve me'), 'they are there once')
  assert.ok(words > page.indexOf('<aside class="words"') && words < page.indexOf('</aside>'))
  for (const part of ['Exact arguments', 'What will be lost', 'Who asks', 'Asked before'])
    assert.ok(page.indexOf(part) < words, part)
  assert.match(page, /Written by the agent\. Nobody has checked them/)
})

test('long arguments are there to the end, and a text that was cut says so', () => {
  const long = `${'a'.repeat(3_990)}THE-END`
  assert.ok(drawn({ ...same('x'), value: long }).includes('THE-END'))
  const deep = JSON.parse(`${'{"a":'.repeat(40)}"needle"${'}'.repeat(40)}`) as { a: string }
  const page = drawn({ ...same('x'), value: JSON.stringify(deep) })
  assert.ok(page.includes('needle'))
})

test('over HTTP: the page is HTML, its policy lets nothing inline run, and the list is no way around', async (t) => {
  const { broker, granted } = await openStage(t)
  const cookie = await signInCookie(broker, broker.admin.name)
  const text = Object.values(hostile).join(' ').replaceAll('\0', '')
  const { agent, environment, operations, facts, because } = documentOf(same(text))
  const { id } = await parkOn(broker, granted, {
    operations,
    facts,
    because,
    reason: text,
    agentName: agent.name,
    environment: { name: environment.name, protected: true },
  })
  for (const path of ['/approvals', `/approvals/${id}`]) {
    const page = await getPage(broker, path, { cookie })
    assert.equal(page.status, 200)
    assert.equal(page.headers['content-type'], 'text/html; charset=utf-8')
    assert.deepEqual(page.text.replaceAll('\n', '').match(unseen), null, path)
    const scripts = [...page.text.matchAll(/<script[^>]*>/g)].map(([tag]) => tag)
    assert.deepEqual(scripts, [
      '<script src="/console/webauthn.js" defer>',
      '<script src="/console/script.js" defer>',
    ])
    for (const [tag] of page.text.matchAll(/<[^>]*>/g))
      assert.ok(!/ (on[a-z]+|style)=/i.test(tag), `${path}: ${tag}`)
    const policy = String(page.headers['content-security-policy'])
    assert.ok(policy.startsWith("default-src 'none'; script-src 'self'; style-src 'self'"))
    assert.ok(!policy.includes('unsafe'))
  }
})

test('a path that is no id of an approval is not shown', async (t) => {
  const broker = await openTestBroker(t)
  const cookie = await signInCookie(broker, broker.admin.name)
  const odd = encodeURIComponent('<script>alert(1)</script>')
  const page = await getPage(broker, `/approvals/${odd}`, { cookie })
  assert.equal(page.status, 400)
  assert.ok(!page.text.includes('alert(1)'))
  const gone = await getPage(broker, `/approvals/${newId('approval')}`, { cookie })
  assert.equal(gone.status, 404)
  assert.match(gone.text, /there is no such approval/)
})
