import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { buildSchema, parse, validate } from 'graphql'
import { exchangeWithin } from '../../src/minting/exchange.ts'
import type { Narrowing } from '../../src/minting/kind.ts'
import { railway, type RailwayParameters } from '../../src/minting/railway.ts'
import { narrowingTo, takes, wireOf, wireTo, type Wire } from '../support/minting.ts'
import { startRailwayStandIn, type RailwayStandIn } from '../support/railway-stand-in.ts'
import { railwayIds, railwayWorld } from '../support/railway-world.ts'

const spec = new URL('../../../shared/specs/railway-schema.graphql', import.meta.url)
const skip = existsSync(spec) ? false : '../shared/specs is not there'
const secret = 'rw_workspace_token_9f8Zq0T0k3n'
const staging = narrowingTo('environment', [railwayIds.staging])

let standIn: RailwayStandIn

beforeEach(async () => {
  standIn = await startRailwayStandIn(railwayWorld(), {
    token: { kind: 'workspace', value: secret },
  })
})
afterEach(() => standIn.close())

function inputOf(
  narrowing: Narrowing,
  parameters: RailwayParameters,
  wire?: Wire,
  now = Date.now(),
) {
  const { exchange } = wire ?? wireTo({ [standIn.origin]: standIn.origin })
  return { parameters, secret, origin: standIn.origin, narrowing, exchange, now }
}

function mint(
  narrowing: Narrowing = staging,
  parameters: RailwayParameters = {},
  wire?: Wire,
  now?: number,
) {
  return railway.mint(inputOf(narrowing, parameters, wire, now))
}

function revoke(minted: { token: string; handle?: string }, wire?: Wire) {
  assert.ok(railway.revoke !== undefined)
  return railway.revoke({ ...inputOf(staging, {}, wire), ...minted })
}

const made = () => [...standIn.world.projectTokens.values()]

describe('a project token of Railway', () => {
  it('is for the bound environment, and says in its name until when', async () => {
    const minted = await mint({ ...staging, seconds: 600 })
    assert.ok(minted.ok, JSON.stringify(minted))
    const [token] = made()
    assert.equal(token?.value, minted.token)
    assert.equal(token?.id, minted.handle)
    assert.equal(token?.environmentId, railwayIds.staging)
    assert.equal(token?.projectId, railwayIds.project)
    assert.equal(token?.name, `valetkey until ${new Date(minted.expiresAt).toISOString()}`)
    assert.ok(minted.expiresAt <= Date.now() + 600_000)
    assert.equal(railway.mustRevoke, true)
    assert.equal(railway.style, 'project-token')
  })

  it('is of one environment that is bound, of the project that is stated', async () => {
    const both = narrowingTo('environment', [railwayIds.staging, railwayIds.production])
    const production: RailwayParameters = {
      environment_id: railwayIds.production,
      project_id: railwayIds.project,
    }
    assert.ok((await mint(both, production)).ok)
    assert.equal(made()[0]?.environmentId, railwayIds.production)
    for (const [narrowing, parameters] of [
      [staging, production],
      [both, {}],
      [narrowingTo('environment', []), {}],
      [narrowingTo('namespace', [railwayIds.staging]), {}],
      [staging, { project_id: railwayIds.otherProject }],
    ] as const) {
      const minted = await mint(narrowing, parameters)
      assert.ok(!minted.ok && minted.why === 'impossible', JSON.stringify(parameters))
    }
    assert.equal(made().length, 1)
  })

  it('is not minted for reads alone, which it would not be bound to', async () => {
    const wire = wireOf()
    const minted = await mint({ ...staging, readOnly: true }, {}, wire)
    assert.ok(!minted.ok && minted.why === 'impossible')
    assert.equal(railway.narrowsToReads?.({}), false)
    assert.deepEqual(wire.sent, [])
  })

  it('is known not to be there where it was not asked for', async () => {
    const project = {
      status: 200,
      json: { data: { environment: { projectId: railwayIds.project } } },
    }
    for (const [wire, nothing] of [
      [wireOf(), true],
      [wireOf({ status: 503, text: '' }), true],
      [wireOf(project, { status: 503, text: '' }, { status: 503, text: '' }), undefined],
    ] as const) {
      const minted = await mint(staging, {}, wire)
      assert.ok(!minted.ok && minted.why === 'unavailable')
      assert.equal(minted.nothing, nothing, JSON.stringify(wire.sent))
    }
  })

  it('is deleted, and over is over', async () => {
    const minted = await mint()
    assert.ok(minted.ok)
    assert.deepEqual(await revoke(minted), { ok: true })
    assert.deepEqual(made(), [])
    assert.deepEqual(await revoke(minted), { ok: true })
    assert.equal((await revoke({ token: minted.token })).ok, false)
  })

  it('is not said to be ended where Railway does not say so', async () => {
    const minted = await mint()
    assert.ok(minted.ok)
    const project = {
      status: 200,
      json: { data: { environment: { projectId: railwayIds.project } } },
    }
    const list = (ids: readonly unknown[], hasNextPage: unknown) => ({
      status: 200,
      json: {
        data: {
          projectTokens: { edges: ids.map((id) => ({ node: { id } })), pageInfo: { hasNextPage } },
        },
      },
    })
    const denied = { status: 200, json: { errors: [{ message: 'Not Authorized' }], data: null } }
    const alive = [project, list([minted.handle], false)] as const
    const { staging: environmentId, project: projectId } = railwayIds
    const itself = {
      status: 200,
      json: { data: { projectToken: { id: minted.handle, projectId, environmentId } } },
    }
    for (const answers of [
      [{ status: 500, text: '' }, ...alive],
      [{ status: 200, json: { data: { projectTokenDelete: false } } }, ...alive],
      [denied, ...alive],
      // An outage in which Railway knows nobody is no proof that it is gone.
      [denied, denied],
      [denied, project, denied],
      [denied, project, list([], true)],
      [denied, project, list([], undefined)],
      [denied, project, list([7], false)],
      [denied, project],
      // The list of somebody who may see none of them, or of another project: the token itself still works.
      [denied, project, list([], false), itself],
      [denied, project, list([], false), { status: 503, text: '' }],
      [denied, project, list([], false)],
    ]) {
      const ended = await revoke(minted, wireOf(...answers))
      assert.equal(ended.ok, false, JSON.stringify(answers))
      assert.ok(!JSON.stringify(ended).includes(minted.token))
    }
    assert.equal(made().length, 1)
  })

  it('is ended where it is another than was asked for, or nobody could end it later', async () => {
    const through = wireTo({ [standIn.origin]: standIn.origin })
    const lying = (about: unknown): Wire => ({
      sent: through.sent,
      exchange: (request) =>
        request.headers['project-access-token'] === undefined
          ? through.exchange(request)
          : Promise.resolve({ status: 200, text: JSON.stringify(about) }),
    })
    const id = '11111111-1111-4111-8111-111111111111'
    const other = { id, projectId: railwayIds.project, environmentId: railwayIds.production }
    const wider = await mint(staging, {}, lying({ data: { projectToken: other } }))
    // Railway knows none of this id, and does not say that it is deleted.
    assert.ok(!wider.ok && wider.why === 'unavailable' && wider.nothing === undefined)
    const deleted = through.sent.at(-1)
    assert.match(deleted?.body ?? '', /projectTokenDelete.*11111111-1111-4111-8111-111111111111/)
    standIn.world.projectTokens.clear()
    for (const about of [{ data: { projectToken: { id: '../x' } } }, { errors: [] }, []]) {
      const lost = await mint(staging, {}, lying(about))
      assert.ok(!lost.ok && lost.why === 'unavailable')
      assert.deepEqual(made(), [])
    }
  })

  it('that a broker forgot is ended by the next mint, and no other token', async () => {
    const put = (name: string, projectId = railwayIds.project) => {
      const id = crypto.randomUUID()
      const environmentId = railwayIds.staging
      standIn.world.projectTokens.set(id, { id, name, projectId, environmentId, value: id })
      return name
    }
    const at = (after: number) => `valetkey until ${new Date(Date.now() + after).toISOString()}`
    put(at(-7_200_000))
    const kept = [
      put('deploy'),
      put('valetkey until tomorrow'),
      put(`x ${at(-7_200_000)}`),
      put(at(-60_000)),
      put(at(300_000)),
      put(at(-7_200_000), railwayIds.otherProject),
    ]
    const minted = await mint()
    assert.ok(minted.ok)
    const names = made().map(({ name }) => name)
    assert.deepEqual(names.slice(0, -1), kept)
  })

  it('is minted however many were forgotten: whoever can name tokens so stops nobody by it', async () => {
    const environmentId = railwayIds.staging
    const projectId = railwayIds.project
    for (let forgotten = 0; forgotten <= 20; forgotten++) {
      standIn.world.projectTokens.clear()
      for (let i = 0; i < forgotten; i++) {
        const id = crypto.randomUUID()
        const name = 'valetkey until 2020-01-01T00:00:00.000Z'
        standIn.world.projectTokens.set(id, { id, name, projectId, environmentId, value: id })
      }
      const { exchange } = wireTo({ [standIn.origin]: standIn.origin })
      const credential = { provider: 'railway', origin: standIn.origin }
      const minted = await mint(
        staging,
        {},
        {
          sent: [],
          exchange: exchangeWithin(credential, [standIn.origin], (_, request) => exchange(request)),
        },
      )
      assert.ok(minted.ok, `with ${String(forgotten)}: ${JSON.stringify(minted)}`)
      assert.ok(made().some(({ value }) => value === minted.token))
    }
  })

  it('is minted also where the forgotten cannot be listed', async () => {
    const through = wireTo({ [standIn.origin]: standIn.origin })
    const minted = await mint(
      staging,
      {},
      {
        sent: through.sent,
        exchange: (request) =>
          request.body?.includes('projectTokens(') === true
            ? Promise.reject(new Error('reset'))
            : through.exchange(request),
      },
    )
    assert.ok(minted.ok)
  })

  it('sends the workspace’s token to its own origin, and never beside the minted one', async () => {
    const wire = wireTo({ [standIn.origin]: standIn.origin })
    const minted = await mint(staging, {}, wire)
    assert.ok(minted.ok)
    await revoke(minted, wire)
    assert.deepEqual(railway.origins({}, standIn.origin), [standIn.origin])
    for (const { headers, body, target } of wire.sent) {
      const both =
        headers['authorization'] !== undefined && headers['project-access-token'] !== undefined
      assert.equal(both, false)
      assert.equal(target, '/graphql/v2')
      assert.ok(!(body ?? '').includes(secret) && !(body ?? '').includes(minted.token))
    }
  })

  it('says what Railway said, which says 200 to what it refuses', async () => {
    const denied = { errors: [{ message: 'Not Authorized' }], data: null }
    assert.deepEqual(await mint(staging, {}, wireOf({ status: 200, json: denied })), {
      ok: false,
      why: 'rejected',
      detail: 'Railway answered 400: Not Authorized',
    })
    const gone = await mint(
      narrowingTo('environment', ['0'.repeat(8) + '-0000-4000-8000-000000000000']),
    )
    assert.ok(!gone.ok && gone.why === 'rejected')
    for (const answer of [
      { status: 200, text: 'ok' },
      { status: 200, json: { data: null } },
      { status: 200, json: { data: { environment: { projectId: '../x' } } } },
      { status: 503, text: '' },
    ]) {
      const minted = await mint(staging, {}, wireOf(answer))
      assert.ok(!minted.ok && minted.why === 'unavailable', JSON.stringify(answer))
    }
  })

  it('has parameters that are ids', () => {
    assert.ok(takes(railway, {}))
    assert.ok(
      takes(railway, { project_id: railwayIds.project, environment_id: railwayIds.staging }),
    )
    for (const wrong of [
      { project_id: '' },
      { project_id: `${railwayIds.project}"` },
      { environment_id: railwayIds.staging.toUpperCase().replace(/^./, 'A') },
      { environment_id: [railwayIds.staging] },
      { url: 'https://evil.example' },
    ])
      assert.equal(takes(railway, wrong), false, JSON.stringify(wrong))
    assert.ok(railway.complaint({}, 'two words') !== undefined)
    assert.equal(railway.complaint({}, secret), undefined)
  })

  it('is for no environment that is not bound, whatever is bound and stated', async () => {
    const id = fc.constantFrom(
      railwayIds.staging,
      railwayIds.production,
      railwayIds.otherEnvironment,
    )
    const project = fc.constantFrom(railwayIds.project, railwayIds.otherProject)
    await fc.assert(
      fc.asyncProperty(
        fc.array(id, { maxLength: 3 }),
        fc.option(id),
        fc.option(project),
        async (bound, environment, of) => {
          standIn.world.projectTokens.clear()
          const parameters = {
            ...(environment === null ? {} : { environment_id: environment }),
            ...(of === null ? {} : { project_id: of }),
          }
          const minted = await mint(narrowingTo('environment', bound), parameters)
          const [token] = made()
          assert.equal(token !== undefined, minted.ok)
          if (token === undefined) return
          assert.ok(bound.includes(token.environmentId))
          if (environment !== null) assert.equal(token.environmentId, environment)
          if (of !== null) assert.equal(token.projectId, of)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('is asked for in documents of Railway’s own schema', { skip }, async () => {
    const schema = buildSchema(readFileSync(spec, 'utf8'), { assumeValid: true })
    const wire = wireTo({ [standIn.origin]: standIn.origin })
    const minted = await mint(staging, {}, wire)
    assert.ok(minted.ok)
    await revoke(minted, wire)
    const documents = wire.sent.map(
      ({ body }) => (JSON.parse(body ?? '') as { query: string }).query,
    )
    assert.ok(documents.length >= 5)
    for (const document of documents) assert.deepEqual(validate(schema, parse(document)), [])
  })
})
