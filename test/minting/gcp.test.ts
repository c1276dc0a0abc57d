import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { gcp, type GcpParameters } from '../../src/minting/gcp.ts'
import type { Narrowing } from '../../src/minting/kind.ts'
import { startGoogleStandIn, type GoogleStandIn } from '../support/google-stand-in.ts'
import { narrowingTo, rsaKey, takes, wireOf, wireTo, type Wire } from '../support/minting.ts'

const clientEmail = 'broker@acme-tools.iam.gserviceaccount.com'
const target = 'staging@acme-staging.iam.gserviceaccount.com'
const tokens = 'https://oauth2.googleapis.com'
const credentials = 'https://iamcredentials.googleapis.com'
const auth = 'https://www.googleapis.com/auth'
const keyFile = {
  type: 'service_account',
  project_id: 'acme-tools',
  private_key_id: '0123456789abcdef',
  private_key: rsaKey().pkcs8,
  client_email: clientEmail,
  token_uri: 'https://evil.example/token',
}
const secret = JSON.stringify(keyFile)
const parameters: GcpParameters = {
  service_account: target,
  scopes: [`${auth}/devstorage.read_write`],
  read_scopes: [`${auth}/devstorage.read_only`],
}
const staging = narrowingTo('project', ['acme-staging'])
const now = () => Date.now()

let google: GoogleStandIn

before(async () => {
  google = await startGoogleStandIn({
    clientEmail,
    privateKey: rsaKey().pkcs8,
    targets: [target],
  })
})
after(() => google.close())

const toGoogle = () => wireTo({ [tokens]: google.origin, [credentials]: google.origin })

function mint(
  narrowing: Narrowing = staging,
  given: GcpParameters = parameters,
  wire: Wire = toGoogle(),
  key = secret,
) {
  const { exchange } = wire
  return gcp.mint({
    parameters: given,
    secret: key,
    origin: 'https://storage.googleapis.com',
    narrowing,
    exchange,
    now: now(),
  })
}

async function tokenOf(narrowing?: Narrowing, given?: GcpParameters) {
  const minted = await mint(narrowing, given)
  assert.ok(minted.ok, JSON.stringify(minted))
  const token = google.impersonated.get(minted.token)
  assert.ok(token !== undefined)
  return token
}

describe('a service account of Google', () => {
  it('is impersonated in the stated scopes, for the time that was asked', async () => {
    assert.deepEqual(await tokenOf(), {
      target,
      scope: parameters.scopes,
      lifetime: '300s',
    })
    const delegates = ['middle@acme.iam.gserviceaccount.com']
    assert.deepEqual(await tokenOf({ ...staging, seconds: 9_000 }, { ...parameters, delegates }), {
      target,
      scope: parameters.scopes,
      lifetime: '3600s',
      delegates: delegates.map((one) => `projects/-/serviceAccounts/${one}`),
    })
    assert.equal((await tokenOf({ ...staging, seconds: 1 })).lifetime, '60s')
    assert.equal(
      (await tokenOf({ ...staging, seconds: 900 }, { ...parameters, lifetime: 120 })).lifetime,
      '120s',
    )
  })

  it('has scopes of its own for reads, and is not impersonated for them without', async () => {
    const reads = { ...staging, readOnly: true }
    assert.deepEqual((await tokenOf(reads)).scope, parameters.read_scopes)
    const { read_scopes: _, ...rest } = parameters
    const mixed = {
      ...rest,
      scopes: [`${auth}/cloud-platform.read-only`, `${auth}/compute`, `${auth}/logging.read`],
    }
    assert.deepEqual((await tokenOf(reads, mixed)).scope, [
      `${auth}/cloud-platform.read-only`,
      `${auth}/logging.read`,
    ])
    const wire = wireOf()
    const minted = await mint(reads, rest, wire)
    assert.ok(!minted.ok && minted.why === 'impossible')
    assert.equal(gcp.narrowsToReads?.(rest), false)
    assert.equal(gcp.narrowsToReads?.(parameters), true)
    assert.deepEqual(wire.sent, [])
  })

  it('is not impersonated for an environment of another project, or of nothing', async () => {
    const wire = wireOf()
    for (const narrowing of [
      narrowingTo('project', ['acme-prod']),
      narrowingTo('project', []),
      narrowingTo('bucket', ['acme-staging']),
    ]) {
      const minted = await mint(narrowing, parameters, wire)
      assert.ok(!minted.ok && minted.why === 'impossible')
    }
    const nobodys = { ...parameters, service_account: '1-compute@developer.gserviceaccount.com' }
    const minted = await mint(staging, nobodys, wire)
    assert.ok(!minted.ok && minted.why === 'impossible')
    assert.deepEqual(wire.sent, [])
  })

  it('sends the assertion to Google’s token endpoint, whatever the key file names', async () => {
    const wire = toGoogle()
    assert.ok((await mint(staging, parameters, wire)).ok)
    assert.deepEqual(
      wire.sent.map(({ origin }) => origin),
      [tokens, credentials],
    )
    assert.deepEqual(gcp.origins(parameters, 'https://evil.example'), [tokens, credentials])
    const key = rsaKey().pkcs8.split('\n')[1] ?? ''
    assert.ok(!JSON.stringify(wire.sent).includes(key))
    assert.ok(!wire.sent[1]?.body?.includes('assertion'))
    assert.equal(google.assertions.at(-1)?.['aud'], 'https://oauth2.googleapis.com/token')
  })

  it('is refused with another key, and for an account that it may not be; nothing of a token is said', async () => {
    const other = JSON.stringify({ ...keyFile, client_email: 'x@acme.iam.gserviceaccount.com' })
    const unknown = await mint(staging, parameters, toGoogle(), other)
    assert.deepEqual(unknown, {
      ok: false,
      why: 'rejected',
      detail:
        'Google’s token endpoint answered 400: invalid_grant: Invalid grant: account not found',
    })
    const wire = toGoogle()
    const given = { ...parameters, service_account: 'admin@acme-staging.iam.gserviceaccount.com' }
    const denied = await mint(staging, given, wire)
    assert.ok(!denied.ok && denied.why === 'rejected')
    assert.match(
      denied.detail,
      /PERMISSION_DENIED: Permission .* denied on resource \(\[redacted\]\)/,
    )
  })

  it('does not use a token that lives longer than was asked, or cannot be read', async () => {
    const own = { status: 200, json: { access_token: 'ya29.0123456789' } }
    const at = (after: number) => new Date(now() + after).toISOString()
    for (const [json, why] of [
      [{ accessToken: 'ya29.c.0123456789', expireTime: at(3_600_000) }, 'impossible'],
      [{ accessToken: 'ya29.c.0123456789', expireTime: at(-1) }, 'unavailable'],
      [{ accessToken: 'ya29.c.0123456789' }, 'unavailable'],
      [{ accessToken: 'with blank 0123', expireTime: at(300_000) }, 'unavailable'],
      [[], 'unavailable'],
    ] as const) {
      const minted = await mint(staging, parameters, wireOf(own, { status: 200, json }))
      assert.ok(!minted.ok && minted.why === why, JSON.stringify(json))
    }
    const without = await mint(
      staging,
      parameters,
      wireOf({ status: 200, json: { id_token: 'x' } }),
    )
    assert.ok(!without.ok && without.why === 'unavailable')
  })

  it('has a key file that is one', () => {
    assert.equal(gcp.complaint(parameters, secret), undefined)
    for (const wrong of [
      '',
      rsaKey().pkcs8,
      JSON.stringify({ ...keyFile, type: 'authorized_user' }),
      JSON.stringify({ ...keyFile, type: 'external_account' }),
      JSON.stringify({ ...keyFile, client_email: 'a b' }),
      JSON.stringify({ ...keyFile, private_key: 'x' }),
      JSON.stringify({ ...keyFile, private_key_id: '../x' }),
      secret.replace('"type"', '"type":"service_account","type"'),
    ]) {
      const complaint = gcp.complaint(parameters, wrong)
      assert.ok(complaint !== undefined && !complaint.includes(rsaKey().pkcs8.slice(40, 80)))
    }
  })

  it('has parameters that lead nowhere else, and reads that only read', () => {
    assert.ok(takes(gcp, parameters))
    for (const wrong of [
      { service_account: 'a/../b@acme.iam.gserviceaccount.com' },
      { service_account: 'staging@acme.iam.gserviceaccount.com/../x' },
      { service_account: 'staging@acme.iam.gserviceaccount.com:signJwt#' },
      { service_account: 'staging@evil.example' },
      { service_account: 'staging@gserviceaccount.com.evil.example' },
      { service_account: 'staging@gserviceaccount.com' },
      { service_account: '@acme.iam.gserviceaccount.com' },
      { scopes: [] },
      { scopes: ['https://evil.example/auth/x'] },
      { scopes: [`${auth}/a b`] },
      { read_scopes: [`${auth}/cloud-platform`] },
      { read_scopes: [`${auth}/devstorage.read_write`] },
      { read_scopes: [`${auth}/devstorage.readwrite`] },
      { read_scopes: [`${auth}/spread`] },
      { delegates: ['x'] },
      { lifetime: 0 },
      { token_uri: 'https://evil.example' },
    ])
      assert.equal(takes(gcp, { ...parameters, ...wrong }), false, JSON.stringify(wrong))
  })

  it('is asked for no other scope, account or time, whatever the narrowing', async () => {
    const scope = fc.constantFrom('compute', 'compute.readonly', 'devstorage.read_only', 'drive')
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(scope, { minLength: 1 }),
        fc.boolean(),
        fc.integer({ min: -5, max: 90_000 }),
        async (names, readOnly, seconds) => {
          const scopes = names.map((name) => `${auth}/${name}`)
          const wire = wireOf(
            { status: 200, json: { access_token: 'ya29.0123456789' } },
            { status: 500 },
          )
          await mint({ ...staging, readOnly, seconds }, { service_account: target, scopes }, wire)
          const asked = JSON.parse(wire.sent[1]?.body ?? 'null') as Record<string, unknown> | null
          if (asked === null) {
            assert.ok(readOnly && !names.some((name) => name.endsWith('only')))
            return
          }
          const given = asked['scope'] as string[]
          assert.ok(given.length > 0)
          assert.ok(
            given.every((one) => scopes.includes(one) && (!readOnly || one.endsWith('only'))),
          )
          const lifetime = Number.parseInt(String(asked['lifetime']), 10)
          assert.ok(lifetime <= Math.max(60, Math.min(3_600, seconds)))
          assert.match(wire.sent[1]?.target ?? '', new RegExp(`/${target}:generateAccessToken$`))
        },
      ),
      { numRuns: 40 },
    )
  })
})
