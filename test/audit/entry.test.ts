import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { canonicalize, type Canonical } from '../../src/core/canonical.ts'
import {
  canonicalEntry,
  clip,
  entryKinds,
  leafHash,
  longestText,
  type AuditEntry,
} from '../../src/audit/entry.ts'

/** Text as an agent may choose it: any UTF-16, line ends, escapes, half a pair, and much of it. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
    .map((codes) => String.fromCharCode(...codes)),
  fc.constantFrom(
    '\n',
    '\r\n{"v":1}',
    '\u001b[2J',
    '\ud800',
    '\u2028',
    '\u202egpj.exe',
    '"',
    '\u0000',
  ),
)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const number = fc.double({ noNaN: true, noDefaultInfinity: true })
const credential = fc.record({ id: text, version: fc.nat() })
const operation = fc.record({
  name: text,
  effects: fc.subarray(['read', 'write', 'destructive'] as const),
  added: maybe(fc.subarray(['secret', 'admin'] as const)),
  resources: fc.array(text),
})
const common = {
  at: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  correlationId: text,
  actor: fc.record({
    kind: fc.constantFrom(
      'agent' as const,
      'workload' as const,
      'operator' as const,
      'system' as const,
    ),
    id: text,
    name: maybe(text),
    key: maybe(text),
  }),
  onBehalfOf: maybe(
    fc.array(fc.record({ kind: fc.constant('agent' as const), id: text, name: maybe(text) })),
  ),
  environment: maybe(fc.record({ id: text, name: text })),
  provider: maybe(text),
  grantId: maybe(text),
  capabilityId: maybe(text),
}
const change = maybe(fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Canonical>)
const kinds: { [K in AuditEntry['kind']]: fc.Arbitrary<Extract<AuditEntry, { kind: K }>> } = {
  decision: fc.record({
    ...common,
    kind: fc.constant('decision'),
    result: fc.constantFrom('allow', 'needs_approval', 'deny'),
    reason: maybe(text),
    about: maybe(fc.array(text)),
    operations: fc.array(operation),
    method: maybe(text),
    path: maybe(text),
    bodyDigest: maybe(text),
    breakGlassId: maybe(text),
    credential: maybe(credential),
  }),
  lookup: fc.record({
    ...common,
    kind: fc.constant('lookup'),
    result: fc.constant('asked'),
    cause: text,
    method: text,
    path: text,
    credential,
  }),
  outcome: fc.record({
    ...common,
    kind: fc.constant('outcome'),
    result: fc.constantFrom('completed', 'unknown', 'aborted'),
    status: maybe(fc.nat()),
    latencyMs: maybe(number),
    bytes: maybe(fc.nat()),
    detail: maybe(text),
  }),
  issuance: fc.record({
    ...common,
    kind: fc.constant('issuance'),
    workload: maybe(
      fc.record({
        issuer: text,
        subject: text,
        rule: text,
        claims: fc.dictionary(text, fc.oneof(text, number, fc.boolean())),
      }),
    ),
    result: fc.constantFrom('issued', 'refused'),
    reason: maybe(text),
    verbs: maybe(fc.array(text)),
    ancestors: maybe(fc.array(text)),
    expiresAt: maybe(fc.nat()),
    form: maybe(fc.constantFrom('jwt', 'handle')),
    jkt: maybe(text),
  }),
  admin: fc.record({
    ...common,
    kind: fc.constant('admin'),
    result: fc.constantFrom('done', 'refused'),
    action: text,
    subject: maybe(text),
    reason: maybe(text),
    change,
  }),
  approval: fc.record({
    ...common,
    kind: fc.constant('approval'),
    result: fc.constantFrom('pending', 'approved', 'sending', 'done', 'unknown'),
    approvalId: text,
    requestDigest: text,
    reason: maybe(text),
  }),
  sign_in: fc.record({
    ...common,
    kind: fc.constant('sign_in'),
    result: fc.constantFrom('done', 'refused'),
    reason: maybe(text),
  }),
  system: fc.record({
    ...common,
    kind: fc.constant('system'),
    result: fc.constantFrom('done', 'refused'),
    action: text,
    detail: maybe(text),
  }),
}

for (const kind of entryKinds) {
  test(`an entry of kind ${kind} is written in its canonical form (property)`, () => {
    fc.assert(
      fc.property(kinds[kind] as fc.Arbitrary<AuditEntry>, (entry) => {
        const written = canonicalEntry(entry)
        const { at, ...rest } = entry
        const expected = { ...rest, at: new Date(at).toISOString(), v: 1 }
        assert.equal(written, canonicalize(expected as unknown as Canonical))
        assertSorted(JSON.parse(written) as unknown)
      }),
      { numRuns: 300 },
    )
  })
}

function assertSorted(value: unknown): void {
  if (value === null || typeof value !== 'object') return
  if (!Array.isArray(value)) {
    const keys = Object.keys(value).filter((key) => !/^[0-9]+$/.test(key))
    assert.deepEqual(keys, keys.toSorted())
  }
  for (const member of Object.values(value)) assertSorted(member)
}

test('whatever an agent writes, an entry is one line of JSON, and reads back as it was (property)', () => {
  fc.assert(
    fc.property(kinds.decision, (entry) => {
      const written = canonicalEntry(entry)
      for (const character of written) {
        const code = character.codePointAt(0) ?? 0
        assert.ok(code >= 0x20 && (code < 0xd800 || code > 0xdfff), 'no control, no half of a pair')
      }
      const bytes = Buffer.from(written, 'utf8')
      assert.equal(bytes.toString('utf8'), written)
      const back = JSON.parse(written) as Record<string, unknown>
      assert.equal(back['path'], entry.path)
      assert.deepEqual(back['about'], entry.about)
    }),
    { numRuns: 500 },
  )
})

test('a field that is not on the list does not get into the log', () => {
  const smuggled = {
    kind: 'system',
    result: 'done',
    at: 0,
    correlationId: 'req_1',
    actor: { kind: 'system', id: 'x', token: 'canary' },
    environment: { id: 'env_1', name: 'n', secret: 'canary' },
    action: 'a',
    secret: 'canary',
    body: 'canary',
    headers: { authorization: 'canary' },
  } as AuditEntry
  assert.ok(!canonicalEntry(smuggled).includes('canary'))
})

test('a long text is cut, and says how long it was', () => {
  assert.equal(clip('a'.repeat(longestText)), 'a'.repeat(longestText))
  const cut = clip('\n'.repeat(1_000_000))
  assert.ok(cut.length < longestText + 20)
  assert.ok(cut.endsWith('…[1000000]'))
})

test('a leaf is hashed as RFC 6962 §2.1 says, over the bytes of UTF-8', () => {
  const canonical = canonicalEntry({
    kind: 'system',
    result: 'done',
    at: 0,
    correlationId: 'req_1',
    actor: { kind: 'system', id: 'ö\ud800' },
    action: 'a',
  })
  const bytes = Buffer.concat([Buffer.from([0]), Buffer.from(canonical, 'utf8')])
  assert.deepEqual(leafHash(canonical), createHash('sha256').update(bytes).digest())
  assert.notDeepEqual(leafHash(canonical), createHash('sha256').update(canonical).digest())
})
