import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { codeEvidence, passkeyEvidence } from '../../src/approval/evidence.ts'
import { fingerprintOf } from '../../src/approval/cose-key.ts'
import { assertionOptions } from '../../src/approval/ceremony.ts'
import { newId } from '../../src/ids.ts'
import { approvalDocument } from '../support/approval-document.ts'
import { createAuthenticator } from '../support/authenticator.ts'
import { cli } from './world.ts'

const publicUrl = 'https://broker.acme.example'
const approver = { id: newId('operator'), name: 'ada' }
const document = approvalDocument()
const decidedAt = document.requestedAt + 1
const made = { document, decision: 'approve', approver, decidedAt, publicUrl } as const
const authenticator = createAuthenticator({ origin: publicUrl })
const fingerprint = fingerprintOf(authenticator.publicKey)

async function evidence() {
  const { credentialId, publicKey } = authenticator
  const { decision } = made
  const asked = { document, decision, approverId: approver.id, passkeys: [], publicUrl, now: 0 }
  const assertion = authenticator.assert(await assertionOptions(asked))
  const passkey = {
    id: newId('passkey'),
    credentialId,
    publicKey,
    algorithm: 'ES256',
    counter: 0,
    synced: false,
    createdAt: new Date(0),
  } as const
  return passkeyEvidence(made, passkey, assertion)
}

async function file(t: TestContext, content: unknown): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'valetkey-evidence-'))
  t.after(() => rm(directory, { recursive: true }))
  const path = join(directory, 'decision.json')
  await writeFile(path, JSON.stringify(content))
  return path
}

test('approval verify', async (t) => {
  const good = await evidence()
  const path = await file(t, good)

  await t.test('says what is proven and what is not, with no broker and no sign-in', async () => {
    const { code, out, err } = await cli(['approval', 'verify', path])
    assert.equal(code, 0, err.join('\n'))
    const text = out.join('\n')
    assert.match(text, /approve, by ada \(op_/)
    assert.match(text, /railway:volumeDelete/)
    assert.match(text, /Backups that die with it: 4/)
    assert.ok(text.includes(document.requestDigest))
    assert.ok(text.includes(fingerprint))
    assert.match(text, /^ok .*SHA-256 of the decision text/m)
    assert.match(text, /^Proven:$/m)
    assert.match(text, /^Not proven:$/m)
    assert.match(text, /passkey\.register/)
    assert.equal(out.at(-1), 'VERIFIED')
  })

  await t.test('shows text from outside as what it is', async () => {
    const { out } = await cli(['approval', 'verify', path])
    assert.ok(out.some((line) => line.includes('data \\u{202e}<b>')))
  })

  await t.test('holds the file against what is known from elsewhere', async () => {
    const known = ['--origin', publicUrl, '--fingerprint', fingerprint]
    assert.equal((await cli(['approval', 'verify', path, ...known])).code, 0)
    for (const wrong of [
      ['--origin', 'https://other.example'],
      ['--fingerprint', '0'.repeat(64)],
    ]) {
      const { code, out, err } = await cli(['approval', 'verify', path, ...wrong])
      assert.equal(code, 1)
      assert.match(out.join('\n'), /^FAIL/m)
      assert.match(err.join('\n'), /REFUTED/)
    }
  })

  await t.test('refutes what was changed, with exit code 1', async (t) => {
    const { code, out, err } = await cli([
      'approval',
      'verify',
      await file(t, { ...good, decision: 'deny' }),
    ])
    assert.equal(code, 1)
    assert.match(out.join('\n'), /^FAIL .*decision text says/m)
    assert.match(out.join('\n'), /^Not proven:\n {2}Anything\.$/m)
    assert.ok(!out.includes('Proven:'))
    assert.match(err.join('\n'), /REFUTED/)
  })

  await t.test(
    'calls the evidence of a one-time code unverifiable, with exit code 1',
    async (t) => {
      const { code, out, err } = await cli([
        'approval',
        'verify',
        await file(t, codeEvidence(made, 3)),
      ])
      assert.equal(code, 1)
      assert.equal(out.at(-1), 'UNVERIFIABLE')
      assert.match(err.join('\n'), /UNVERIFIABLE/)
    },
  )

  await t.test('prints the report as JSON, with the same exit codes', async (t) => {
    const verified = await cli(['approval', 'verify', path, '--json'])
    assert.equal(verified.code, 0)
    const itemsOf = (out: readonly string[]) =>
      (JSON.parse(out.join('\n')) as { items: Record<string, unknown>[] }).items
    const [report] = itemsOf(verified.out)
    assert.equal(report?.['verdict'], 'verified')
    assert.equal(report['fingerprint'], fingerprint)
    const changed = await file(t, { ...good, text: 'x' })
    const refuted = await cli(['approval', 'verify', changed, '--json'])
    assert.equal(refuted.code, 1)
    assert.equal(itemsOf(refuted.out)[0]?.['verdict'], 'refuted')
  })

  await t.test('checks each of several, and is content with none but all of them', async (t) => {
    const both = await cli(['approval', 'verify', await file(t, [good, await evidence()])])
    assert.equal(both.code, 0)
    assert.equal(both.out.at(-1), '2 decisions about one document, by 1 approvers.')
    for (const other of [codeEvidence(made, 3), { ...good, decision: 'deny' }])
      for (const list of [
        [good, other],
        [other, good],
      ])
        assert.equal((await cli(['approval', 'verify', await file(t, list)])).code, 1)
  })

  await t.test('does not take a file that is no evidence, nor half an origin', async (t) => {
    const empty = await file(t, {})
    assert.equal((await cli(['approval', 'verify', empty])).code, 2)
    assert.equal((await cli(['approval', 'verify', `${empty}.nowhere`])).code, 2)
    for (const wrong of [
      ['--origin', `${publicUrl}/`],
      ['--fingerprint', 'abc'],
    ])
      assert.equal((await cli(['approval', 'verify', path, ...wrong])).code, 2)
  })
})
