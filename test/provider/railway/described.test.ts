/**
 * Documents for Railway, through a whole broker, over Railway's own schema as graphql-yoga serves it: what reaches Railway
 * holds against the schema and is what was sent; so do the broker's own questions of where an id lives.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, afterEach, before, describe, test } from 'node:test'
import { buildSchema, parse, print } from 'graphql'
import { openTestBroker, type TestBroker } from '../../support/broker.ts'
import { startDescribedGraphql } from '../../support/described-graphql.ts'
import { railwayIds as ids } from '../../support/railway-world.ts'
import type { RecordedServer } from '../../support/recorded-server.ts'
import { grantOn, railway, type Answer } from '../../support/world.ts'

const url = new URL('../../../../shared/specs/railway-schema.graphql', import.meta.url)
const skip = existsSync(url) ? false : 'Railway’s schema is not here'

const secret = 'rw_standInSecretOfTheBroker0123456789'

const listOf = (nodes: readonly object[]) => ({
  edges: nodes.map((node, i) => ({ cursor: String(i), node })),
  pageInfo: { hasNextPage: false, endCursor: null },
})

const inEnvironment: Readonly<Record<string, string>> = {
  [ids.deploymentStaging]: ids.staging,
  [ids.deploymentProduction]: ids.production,
}
const volumes = [
  { id: ids.volumeStaging, environmentId: ids.staging },
  { id: ids.volumeProduction, environmentId: ids.production },
].map(({ id, environmentId }) => ({
  id,
  volumeInstances: listOf([{ id: `instance of ${id}`, environmentId }]),
}))

describe('documents over Railway’s schema', { skip }, () => {
  let upstream: RecordedServer
  let broker: TestBroker
  let send: (query: string, variables?: Record<string, unknown>) => Promise<Answer>

  before(async () => {
    upstream = await startDescribedGraphql({
      schema: buildSchema(readFileSync(url, 'utf8'), { assumeValid: true }),
      path: '/graphql/v2',
      token: secret,
      mocks: { DateTime: () => '2026-04-14T16:00:49Z' },
      state: () => ({
        Query: {
          projectToken: () => ({ projectId: ids.project, environmentId: ids.staging }),
          environment: (_, { id }) => ({ id, projectId: ids.project }),
          deployment: (_, { id }) => ({ id, environmentId: inEnvironment[String(id)] }),
          project: (_, { id }) => ({
            id,
            volumes: listOf(volumes),
            environments: listOf([{ id: ids.staging }, { id: ids.production }]),
          }),
        },
        Mutation: { deploymentRestart: () => true, volumeDelete: () => true },
      }),
    })
    broker = await openTestBroker(undefined, { upstreams: { railway: upstream.origin } })
    const granted = await grantOn(broker, {
      provider: 'railway',
      bindings: [{ provider: 'railway', kind: 'environment', id: ids.staging }],
      secret,
      grant: { verbs: ['read', 'write', 'volumeDelete'], approval: 'never' },
    })
    const token = await granted.token()
    send = (query, variables) =>
      railway(broker.url, token, variables === undefined ? { query } : { query, variables })
    upstream.take()
  })

  after(async () => {
    await broker.close()
    await upstream.close()
  })

  afterEach(() => {
    upstream.take()
  })

  /** The documents that arrived, printed one way. */
  function documents(): readonly string[] {
    return upstream.take().map(({ body }) => {
      const { query } = JSON.parse(String(body)) as { query: string }
      return print(parse(query))
    })
  }

  test('an environment is read with what belongs to it, and arrives as it was written', async () => {
    const query = `
      query Overview($id: String!, $first: Int = 5) {
        environment(id: $id) {
          ...named
          deployments(first: $first) { edges { node { id status createdAt } } pageInfo { hasNextPage } }
          serviceInstances { edges { node { serviceName numReplicas } } }
        }
      }
      fragment named on Environment { id name createdAt }
    `
    const answer = await send(query, { id: ids.staging })
    assert.equal(answer.status, 200, answer.text)
    const { environment } = answer.json['data'] as { environment: Record<string, unknown> }
    assert.equal(environment['id'], ids.staging)
    assert.equal(environment['createdAt'], '2026-04-14T16:00:49Z')
    assert.deepEqual(documents(), [print(parse(query))])
  })

  test('a deployment is restarted where Railway says that it is, and nowhere else', async () => {
    const restart = 'mutation ($id: String!) { deploymentRestart(id: $id) }'
    const own = await send(restart, { id: ids.deploymentStaging })
    assert.equal(own.text, '{"data":{"deploymentRestart":true}}')
    const [question, forwarded] = documents()
    assert.match(String(question), /deployment\(id: \$id\)/)
    assert.equal(forwarded, print(parse(restart)))
    const other = await send(restart, { id: ids.deploymentProduction })
    assert.equal(other.json['code'], 'environment_outside')
    assert.ok(documents().every((document) => !document.includes('deploymentRestart')))
  })

  test('a volume is deleted after Railway listed it for staging, and production’s is not', async () => {
    const remove = 'mutation ($id: String!) { volumeDelete(volumeId: $id) }'
    const own = await send(remove, { id: ids.volumeStaging })
    assert.equal(own.text, '{"data":{"volumeDelete":true}}')
    assert.equal(documents().at(-1), print(parse(remove)))
    const other = await send(remove, { id: ids.volumeProduction })
    assert.equal(other.json['code'], 'environment_outside')
    const asked = documents()
    assert.ok(asked.length > 0)
    assert.ok(asked.every((document) => !document.includes('volumeDelete')))
  })

  test('what is not granted, or not in the schema, is refused before it leaves', async () => {
    const remove = `mutation { environmentDelete(id: "${ids.staging}") }`
    assert.equal((await send(remove)).json['code'], 'verb_missing')
    const unknown = `{ environment(id: "${ids.staging}") { nome } }`
    assert.equal((await send(unknown)).json['code'], 'not_understood')
    assert.deepEqual(upstream.take(), [])
  })

  test('what the schema does not have would be told: it is not for show', async () => {
    const straight = async (query: string, authorization = `Bearer ${secret}`): Promise<number> => {
      await fetch(`${upstream.origin}/graphql/v2`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      })
      return upstream.violations.splice(0).length
    }
    assert.equal(await straight('{ environment(id: "x") { id } }'), 0)
    assert.equal(await straight('{ environment(id: "x") { nome } }'), 1)
    assert.equal(await straight('{ environment(id: 7) { id } }'), 1)
    assert.equal(await straight('{ environment(id: "x") { id } }', 'Bearer another'), 1)
  })
})
