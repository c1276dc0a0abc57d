/** A GraphQL schema of an operator's own, imported through REST, through a whole broker to a server that executes it. */
import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import {
  adminPassword as password,
  openTestBroker,
  type TestBroker,
} from '../../../support/broker.ts'
import {
  depotImport,
  depotManifest,
  depotReview,
  depotSecret,
  openDepot,
  type Depot,
} from '../../../support/depot.ts'
import { answerOf, grantOn, type Answer } from '../../../support/world.ts'

type Imported = {
  readonly provider: { readonly version: string }
  readonly report: {
    readonly operations: number
    readonly listed: readonly {
      readonly name: string
      readonly effects: string[]
      readonly denied?: string
    }[]
    readonly edges?: { readonly unclassified: string[]; readonly secret: string[] }
  }
}

type Ask = (body: unknown, headers?: Record<string, string>) => Promise<Answer>

async function stage(t: TestContext): Promise<{ depot: Depot; broker: TestBroker }> {
  const depot = await openDepot(t)
  const broker = await openTestBroker(t, { upstreams: { depot: depot.origin } })
  return { depot, broker }
}

async function agent(broker: TestBroker, grant: Record<string, unknown>): Promise<Ask> {
  const granted = await grantOn(broker, {
    provider: 'depot',
    bindings: [{ provider: 'depot', kind: 'environment', id: 'staging' }],
    secret: depotSecret,
    grant,
  })
  return async (body, headers = {}) => {
    const token = await granted.token()
    return answerOf(
      await fetch(`${broker.url}/proxy/depot/api/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${token}`,
          ...headers,
        },
        body: JSON.stringify(typeof body === 'string' ? { query: body } : body),
      }),
    )
  }
}

const data = (answer: Answer): unknown => {
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.json['errors'], undefined, answer.text)
  return answer.json['data']
}

test('an imported GraphQL schema', async (t) => {
  const { depot, broker } = await stage(t)
  const imported = await broker.api<Imported>(
    'POST',
    '/v1/providers',
    { ...depotImport, password },
    201,
  )
  const ask = await agent(broker, {
    verbs: ['read', 'serverCreate', 'serverScale', 'serverMove', 'diskResize', 'projectPause'],
    approval: 'never',
  })
  const refused = async (body: unknown, code: string, said?: RegExp): Promise<void> => {
    depot.news()
    const answer = await ask(body)
    assert.equal(answer.json['code'], code, answer.text)
    if (said !== undefined) assert.match(String(answer.json['detail']), said)
    const asked = depot.news()
    assert.ok(
      asked.every((text) => text.startsWith('query ($')),
      asked.join('\n'),
    )
  }

  await t.test('is reported root by root, with what waits for a review', () => {
    const { operations, listed, edges } = imported.report
    assert.equal(operations, 18)
    assert.deepEqual(
      listed.filter((one) => one.denied !== undefined).map(({ name, denied }) => [name, denied]),
      [
        ['node', 'it names an id whose role was not reviewed: id'],
        ['serverChanged', 'subscriptions are not forwarded'],
        ['serverConfigure', 'neither its name nor its path says what it does'],
        ['serverFrobnicate', 'neither its name nor its path says what it does'],
        ['serverLink', 'it names an id whose role was not reviewed: id'],
      ],
    )
    assert.deepEqual(edges?.unclassified.toSorted(), [
      'Environment.disks',
      'Person.projects',
      'Project.owner',
      'ServerCreated.query',
    ])
    assert.deepEqual(edges.secret.toSorted(), [
      'DeployKey.token',
      'Server.rootPassword',
      'Server.settings',
    ])
  })

  await t.test('is read in the bound environment, with its own credential', async () => {
    depot.news()
    const answer = await ask(
      'query { environment(id: "staging") { name servers { edges { node { id name } } } } }',
      { 'idempotency-key': 'k1' },
    )
    assert.deepEqual(data(answer), {
      environment: {
        name: 'staging',
        servers: {
          edges: [
            { node: { id: 's1', name: 'server s1' } },
            { node: { id: 's2', name: 'server s2' } },
          ],
        },
      },
    })
    assert.equal(depot.news().length, 1)
    const headers = depot.requests.at(-1)?.headers ?? {}
    assert.equal(headers['x-depot-key'], depotSecret)
    assert.equal(headers['idempotency-key'], 'k1')
    assert.equal(headers['authorization'], undefined)
  })

  await t.test('is written to in the bound environment', async () => {
    const query = `mutation ($input: ServerInput!) { serverCreate(input: $input) { server { id replicas } } }`
    const made = data(
      await ask({ query, variables: { input: { environmentId: 'staging', name: 'new' } } }),
    )
    assert.deepEqual(made, { serverCreate: { server: { id: 's4', replicas: 1 } } })
    assert.equal(depot.servers.get('s4')?.name, 'new')
  })

  await t.test(
    'looks an id up before it is acted on, and answers for its environment only',
    async () => {
      depot.news()
      data(await ask('mutation { serverScale(id: "s1", replicas: 3) { replicas } }'))
      assert.equal(depot.servers.get('s1')?.replicas, 3)
      assert.match(depot.news()[0] ?? '', /server\(id: \$id\) \{ id environment/)
      await refused('mutation { serverScale(id: "p1", replicas: 3) { id } }', 'environment_outside')
      await refused(
        'mutation { serverScale(id: "lost", replicas: 3) { id } }',
        'environment_unresolved',
      )
      assert.equal(depot.servers.get('p1')?.replicas, 2)
      await refused('query { environment(id: "prod") { name } }', 'environment_outside')
      await refused(
        'mutation { serverMove(id: "s1", toEnvironmentId: "prod") { id } }',
        'environment_outside',
      )
      await refused(
        'mutation { serverMove(id: "p1", toEnvironmentId: "staging") { id } }',
        'environment_outside',
      )
      assert.equal(depot.servers.get('p1')?.environment, 'prod')
    },
  )

  await t.test('finds what is listed in pages, by ids that are numbers', async () => {
    assert.deepEqual(data(await ask('mutation { diskResize(diskId: 5, size: 7) { id size } }')), {
      diskResize: { id: 5, size: 7 },
    })
    await refused('mutation { diskResize(diskId: 11, size: 7) { id } }', 'environment_unresolved')
  })

  await t.test(
    'narrows a container by an environment of its own, and by nothing else',
    async () => {
      const pause = (args: string) => `mutation { projectPause(projectId: "pr1"${args}) }`
      assert.deepEqual(data(await ask(pause(', environmentId: "staging"'))), { projectPause: true })
      await refused(pause(''), 'environment_outside')
      await refused(pause(', environmentId: null'), 'environment_outside')
      await refused(
        'mutation { projectPause(projectId: "other", environmentId: "staging") }',
        'environment_unresolved',
      )
    },
  )

  await t.test('refuses what is destructive, by its name or by its arguments', async () => {
    await refused('mutation { serverDelete(id: "s1") }', 'verb_missing', /serverDelete/)
    await refused('mutation { serverScale(id: "s1", replicas: 0) { id } }', 'verb_missing')
    assert.ok(depot.servers.has('s1'))
    assert.equal(depot.servers.get('s1')?.replicas, 3)
  })

  await t.test('refuses secrets however deep they stand, and edges that lead outside', async () => {
    await refused('{ server(id: "s1") { id rootPassword } }', 'verb_missing', /server/)
    await refused(
      '{ environment(id: "staging") { servers { edges { node { x: rootPassword } } } } }',
      'verb_missing',
    )
    await refused('{ server(id: "s1") { ...F } } fragment F on Server { settings }', 'verb_missing')
    await refused(
      '{ server(id: "s1") { mirror { name } } }',
      'environment_outside',
      /Server\.mirror/,
    )
    await refused(
      '{ server(id: "s1") { environment { project { owner { email } } } } }',
      'operation_unknown',
      /Project\.owner/,
    )
    await refused('{ me { email } }', 'environment_outside', /account as a whole/)
  })

  await t.test('says of what is not reviewed what a review would have to say', async () => {
    await refused('{ node(id: "p1") { id } }', 'operation_unknown', /role was not reviewed: id/)
    await refused(
      'mutation { serverFrobnicate(id: "s1") }',
      'operation_unknown',
      /says what it does/,
    )
    await refused('subscription { serverChanged(id: "s1") { id } }', 'not_understood')
    await refused('mutation { nothing }', 'operation_unknown')
  })

  await t.test('answers metadata that is reviewed, and its schema only where that is', async () => {
    assert.deepEqual(data(await ask('{ status __typename }')), {
      status: 'up',
      __typename: 'Query',
    })
    await refused('{ __schema { types { name } } }', 'not_understood', /not public/)
  })

  await t.test('refuses a header that would switch the account', async () => {
    depot.news()
    const answer = await ask('{ status }', { 'x-depot-account': 'other' })
    assert.equal(answer.json['code'], 'not_understood')
    assert.deepEqual(depot.news(), [])
  })

  await t.test(
    'shows a secret to who has its verb, and seals or withholds what is minted',
    async () => {
      const trusted = await agent(broker, {
        verbs: ['server+secret', 'deployKeyCreate', 'serverDelete'],
        approval: 'never',
      })
      assert.deepEqual(data(await trusted('{ server(id: "s1") { rootPassword } }')), {
        server: { rootPassword: 'hunter2-of-the-server' },
      })
      const minted = await trusted(
        'mutation { a: deployKeyCreate(environmentId: "staging") { key { id t: token } } }',
      )
      assert.equal(minted.status, 200, minted.text)
      assert.ok(!minted.text.includes('minted-deploy-token-1'))
      assert.deepEqual(data(await trusted('mutation { serverDelete(id: "s2") }')), {
        serverDelete: true,
      })
      assert.ok(!depot.servers.has('s2'))
    },
  )

  await t.test('asks a person about what is destructive, where the grant says so', async () => {
    const careful = await agent(broker, { verbs: ['serverDelete'], approval: 'destructive' })
    const answer = await careful('mutation { serverDelete(id: "s1") }')
    assert.notEqual(answer.status, 200)
    assert.ok(depot.servers.has('s1'))
  })

  await t.test('of a later version shows nothing new under an older grant', async () => {
    const { name: _, ...given } = depotImport
    const review = { ...depotReview, edges: { ...depotReview.edges, 'Project.owner': 'stays' } }
    const query = '{ environment(id: "staging") { name } }'
    data(await ask(query))
    await broker.api('POST', '/v1/providers/depot/versions', { ...given, review, password }, 201)
    await refused(query, 'verb_missing')
    // What does not lead there is as it was.
    data(await ask('mutation { diskResize(diskId: 1, size: 7) { id } }'))
  })
})

test('an import of a GraphQL schema is refused with what is wrong', async (t) => {
  const { broker } = await stage(t)
  const refused = async (change: Record<string, unknown>, said: RegExp, status = 400) => {
    const response = await fetch(`${broker.url}/v1/providers`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${broker.admin.bearer}`,
      },
      body: JSON.stringify({ ...depotImport, password, ...change }),
    })
    const text = await response.text()
    assert.equal(response.status, status, text)
    assert.match(response.headers.get('content-type') ?? '', /problem\+json/)
    assert.match(text, said)
  }
  const review = (change: object) => ({ review: { ...depotReview, ...change } })

  await t.test('where the schema is none, is not whole, or is larger than is read', async () => {
    await refused({ description: 'type Query {\n  a: }' }, /description: .*line 2, column 6/)
    await refused({ description: 'type Query { a: Lost }' }, /description: .*not valid: .*Lost/)
    await refused({ description: 'x'.repeat(9_000_000) }, /too large/, 413)
  })

  await t.test('where the manifest or the review does not fit it', async () => {
    const { graphql: _, ...rest } = depotManifest
    await refused({ manifest: rest }, /manifest\/homes\/project\/is/)
    const server = {
      ...depotManifest.homes?.['server'],
      query: 'query ($id: ID!) { lost(id: $id) { id } }',
    }
    const homes = { ...depotManifest.homes, server }
    await refused({ manifest: { ...depotManifest, homes } }, /homes\/server\/query: .*lost/)
    await refused(review({ edges: { 'Server.lost': 'stays' } }), /review: .*Server\.lost/)
  })
})
