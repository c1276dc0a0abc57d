import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { casesPresent, loadExpansion, sharedCases } from '../../bench/conformance/cases.ts'
import { createDetector } from '../../bench/conformance/detector.ts'
import { choices } from '../../bench/conformance/policy.ts'
import { runConformance } from '../../bench/conformance/run.ts'
import { readAnswers } from '../../bench/conformance/wire.ts'

const skip = casesPresent(sharedCases) ? false : 'the shared cases are not beside this checkout'

test(
  'every shared case comes out as it should, and the invariants hold in all of them',
  { skip },
  async () => {
    const { results, problems, unstated } = await runConformance({
      cases: sharedCases,
      idle: 150,
      // All of it in `npm run conformance`.
      mostInFlood: 400,
    })
    const failed = results.filter(({ status }) => status === 'failed')
    assert.deepEqual(
      failed.map(({ id, notes, observed }) => ({ id, notes, observed })),
      [],
    )
    assert.deepEqual(problems, [])
    assert.deepEqual(unstated, [])
    assert.ok(results.length > 200)
  },
)

test(
  'the driver fails a case whose expectation is not what the broker does',
  { skip },
  async (t) => {
    const directory = await mkdtemp(path.join(tmpdir(), 'valetkey-cases-'))
    t.after(() => rm(directory, { recursive: true, force: true }))
    for (const name of ['expand.mjs', 'placeholders.json'])
      await writeFile(path.join(directory, name), await readFile(path.join(sharedCases, name)))
    const request = {
      method: 'POST',
      path: '{{GQL_PATH}}',
      headers: { 'content-type': 'application/json' },
    }
    const body = (query: string) => ({ request: { ...request, body: JSON.stringify({ query }) } })
    const read = body('{ environment(id: "{{ENV_STAGING}}") { id } }')
    const elsewhere = body('{ environment(id: "{{ENV_PROD}}") { id } }')
    const cases = {
      graphql: [
        { id: 'allowed', ...read, expect: { readonly_staging: 'deny' } },
        { id: 'denied', ...elsewhere, expect: { readonly_staging: 'allow' } },
        { id: 'right', ...read, expect: { readonly_staging: 'allow' } },
        { id: 'unknown', ...read, expect: { readonly_staging: 'perhaps' } },
      ],
      leak_probes: [
        {
          id: 'array',
          request: { agent: 'in_scope_read', upstream: { body: '{"v":{{TOKEN|jsonarr}}}' } },
          expect: { level: 'must', agent_must_not_see_token: true },
        },
      ],
      rest: [],
      raw_http: [],
      jwt_attacks: [],
      text_injection: [],
    }
    for (const [name, list] of Object.entries(cases))
      await writeFile(path.join(directory, `${name}.json`), JSON.stringify({ cases: list }))
    const { results } = await runConformance({ cases: directory, idle: 150 })
    assert.deepEqual(
      results.map(({ id, status }) => [id, status]),
      [
        ['allowed', 'failed'],
        ['denied', 'failed'],
        ['right', 'passed'],
        ['unknown', 'failed'],
        ['array', 'failed'],
      ],
    )
  },
)

test(
  'the detector sees the credential in every spelling that the cases name',
  { skip },
  async () => {
    const expansion = await loadExpansion(sharedCases)
    const token = expansion.defaults['PROVIDER_TOKEN_RAILWAY'] ?? ''
    const detector = createDetector([token])
    const seen = (body: string): boolean => {
      const bytes = Buffer.from(
        `HTTP/1.1 200 OK\r\ncontent-length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
      )
      const read = readAnswers(bytes, true, false)
      return detector.find({ bytes, ...read, closed: true, milliseconds: 0 }) !== undefined
    }
    const spellings =
      'upper lower nodash urlencode pctall b64 b64url hex hex_upper b64_off1 b64_off2 b64_twice b64_wrapped qp jsonescape html_dec html_hex reverse rot13 spaced zwsp jsonarr fullwidth prefix12'
    for (const filter of spellings.split(' '))
      assert.ok(seen(`{"v":"${expansion.expand(`{{T|${filter}}}`, { T: token })}"}`), filter)
    assert.ok(!seen(`{"v":"${expansion.expand('{{T|sha256}}', { T: token })}"}`))
    assert.ok(!seen(`{"v":"${token.slice(0, 11)}"}`))
  },
)

test('docs/conformance.md states every choice that the cases leave open', async () => {
  const docs = await readFile(new URL('../../docs/conformance.md', import.meta.url), 'utf8')
  for (const [name, choice] of Object.entries(choices))
    assert.match(docs, new RegExp(`^\\| \`${name}\` +\\| ${choice} `, 'm'))
})
