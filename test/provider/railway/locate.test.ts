import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Invocation, Located } from '../../../src/core/operation.ts'
import type { Ask } from '../../../src/provider/adapter.ts'
import { railwayAdapter } from '../../../src/provider/railway/adapter.ts'
import { railwayIds as ids, railwayWorld, type RailwayWorld } from '../../support/railway-world.ts'
import {
  adapter,
  asking,
  context,
  document,
  invocations,
  verdict,
  type Asked,
} from '../../support/railway-verdict.ts'

const places = (...names: string[]): string[] => names.map((id) => `environment:${id}`).toSorted()

function only(text: string): Invocation {
  const [invocation] = invocations(document(text))
  assert.ok(invocation)
  return invocation
}

async function located(
  text: string,
  asked: Asked = asking(railwayWorld()),
  bound: readonly string[] = [ids.staging],
): Promise<{ places: string[]; unresolved: string[] }> {
  const found = await adapter.locate(only(text), context(asked.ask, bound))
  return {
    places: found.places.toSorted(),
    unresolved: found.unresolved.map(({ kind, why }) => `${kind} ${why}`),
  }
}

test('an environment alone is its own place, at once and without a question', () => {
  const asked = asking(railwayWorld())
  const found = adapter.locate(
    only(`{ environmentLogs(environmentId: "${ids.staging}") { message } }`),
    context(asked.ask, [ids.staging]),
  )
  assert.ok(!(found instanceof Promise))
  assert.deepEqual(found, { places: places(ids.staging), unresolved: [] })
  assert.deepEqual(asked.questions, [])
})

test('a volume touches every environment that has an instance of it', async () => {
  const delet = (id: string) => located(`mutation { volumeDelete(volumeId: "${id}") }`)
  assert.deepEqual(await delet(ids.volumeStaging), { places: places(ids.staging), unresolved: [] })
  assert.deepEqual((await delet(ids.volumeProduction)).places, places(ids.production))
  assert.deepEqual((await delet(ids.volumeShared)).places, places(ids.production, ids.staging))
})

test('volumes and their instances are paged to the end, both ways', async () => {
  const world = railwayWorld()
  for (let i = 0; i < 3; i++) {
    const id = `71c0a4de-52f1-4b7e-8d3a-0c9b6e5f2a0${i}`
    world.environments.set(id, { id, name: `preview-${i}`, projectId: ids.project })
    const instance = `71c0a4de-52f1-4b7e-8d3a-0c9b6e5f3a0${i}`
    world.volumeInstances.set(instance, {
      id: instance,
      volumeId: ids.volumeShared,
      environmentId: id,
      serviceId: null,
      mountPath: '/data',
    })
  }
  const asked = asking(world, 1)
  const found = await located(`mutation { volumeDelete(volumeId: "${ids.volumeShared}") }`, asked)
  assert.deepEqual(found.unresolved, [])
  assert.equal(found.places.length, 5)
  // One for the project, three pages of volumes, four more pages of instances.
  assert.equal(asked.questions.length, 8)
})

test('a volume of another project, of another spelling or of nobody is not found', async () => {
  for (const id of ['nope', '', ids.volumeStaging.toUpperCase(), `${ids.volumeStaging} `]) {
    const found = await located(`mutation { volumeDelete(volumeId: "${id}") }`)
    assert.deepEqual(found, { places: [], unresolved: ['volume not_found'] })
  }
  const found = await located(
    `mutation { volumeDelete(volumeId: "${ids.volumeStaging}") }`,
    asking(railwayWorld()),
    [ids.otherEnvironment],
  )
  assert.deepEqual(found.unresolved, ['volume not_found'])
})

test('naming an environment beside a target does not say that the target lives there', async () => {
  const found = await located(
    `mutation { customDomainUpdate(environmentId: "${ids.staging}", id: "d", targetPort: 1) }`,
  )
  assert.deepEqual(found.unresolved, ['customDomain lookup_failed'])
  const deleted = await located(
    `mutation { serviceDelete(id: "${ids.service}", environmentId: "${ids.staging}") }`,
  )
  assert.deepEqual(deleted.places, places(ids.staging, ids.production))
})

test('a container is narrowed by an environment of its own and by no other', async () => {
  const create = (environment: string, project: string, service: string) =>
    located(
      `mutation { volumeCreate(input: { projectId: "${project}", environmentId: "${environment}", serviceId: "${service}", mountPath: "/" }) { id } }`,
    )
  assert.deepEqual(await create(ids.staging, ids.project, ids.service), {
    places: places(ids.staging),
    unresolved: [],
  })
  assert.deepEqual((await create(ids.staging, ids.otherProject, ids.service)).unresolved, [
    'project outside_container',
  ])
  assert.deepEqual((await create(ids.staging, ids.project, ids.otherService)).unresolved, [
    'service outside_container',
  ])
  assert.deepEqual(
    (await create(ids.production, ids.project, ids.service)).places,
    places(ids.production),
  )
})

test('a container without an environment touches all of its environments', async () => {
  const all = places(ids.staging, ids.production)
  const project = await located(
    `mutation { volumeCreate(input: { projectId: "${ids.project}", mountPath: "/" }) { id } }`,
  )
  assert.deepEqual(project.places, all)
  const none = await located(
    `mutation { volumeCreate(input: { projectId: "${ids.project}", environmentId: null, mountPath: "/" }) { id } }`,
  )
  assert.deepEqual(none.places, all)
  const service = await located(
    `{ deployments(input: { serviceId: "${ids.service}" }) { edges { cursor } } }`,
  )
  assert.deepEqual(service.places, all)
  const volume = await located(
    `mutation { volumeInstanceUpdate(volumeId: "${ids.volumeShared}", input: { mountPath: "/" }) }`,
  )
  assert.deepEqual(volume.places, all)
})

test('a service without an instance in an environment of its project can be given one there', async () => {
  const world = railwayWorld()
  for (const [key, instance] of world.serviceInstances)
    if (instance.environmentId === ids.staging) world.serviceInstances.delete(key)
  const found = await located(
    `mutation { serviceInstanceDeploy(environmentId: "${ids.staging}", serviceId: "${ids.service}") }`,
    asking(world),
  )
  assert.deepEqual(found, { places: places(ids.staging), unresolved: [] })
})

test('a volume is not in an environment where it has no instance, whatever its project has', async () => {
  const found = await located(
    `mutation { volumeInstanceUpdate(volumeId: "${ids.volumeProduction}", environmentId: "${ids.staging}", input: { mountPath: "/" }) }`,
  )
  assert.deepEqual(found.unresolved, ['volume outside_container'])
})

test('deployments, volume instances and triggers are found where they live', async () => {
  const world = railwayWorld()
  const [own] = [...world.triggers.values()].filter((one) => one.environmentId === ids.staging)
  const [foreign] = [...world.triggers.values()].filter(
    (one) => one.environmentId === ids.production,
  )
  const at = async (text: string) => (await located(text, asking(world))).places
  assert.deepEqual(
    await at(`mutation { deploymentRestart(id: "${ids.deploymentProduction}") }`),
    places(ids.production),
  )
  assert.deepEqual(
    await at(
      `mutation { volumeInstanceBackupCreate(volumeInstanceId: "${ids.volumeInstanceStaging}") { workflowId } }`,
    ),
    places(ids.staging),
  )
  assert.deepEqual(
    await at(`mutation { deploymentTriggerDelete(id: "${own?.id}") }`),
    places(ids.staging),
  )
  const elsewhere = await located(
    `mutation { deploymentTriggerDelete(id: "${foreign?.id}") }`,
    asking(world),
  )
  assert.deepEqual(elsewhere, { places: [], unresolved: ['deploymentTrigger not_found'] })
})

test('a backup must be one of the volume instance named beside it', async () => {
  const remove = (instance: string) =>
    located(
      `mutation { volumeInstanceBackupDelete(volumeInstanceBackupId: "${ids.backupStaging}", volumeInstanceId: "${instance}") { workflowId } }`,
    )
  assert.deepEqual(await remove(ids.volumeInstanceStaging), {
    places: places(ids.staging),
    unresolved: [],
  })
  assert.deepEqual((await remove(ids.volumeInstanceProduction)).unresolved, ['backup not_found'])
})

test('kinds that nothing resolves stay unresolved', async () => {
  assert.deepEqual((await located('mutation { tcpProxyDelete(id: "t") }')).unresolved, [
    'tcpProxy no_resolver',
  ])
  assert.deepEqual(
    (
      await located(
        `mutation { generateShellToken(input: { environmentId: "${ids.staging}", instanceId: "i", scope: "s" }) }`,
      )
    ).unresolved,
    ['instance no_resolver'],
  )
})

test('an operation that names nothing locates nothing', async () => {
  assert.deepEqual(await located('{ usage(measurements: []) { value } }'), {
    places: [],
    unresolved: [],
  })
})

/** As much of an answer as the faults below change. */
type Shape = {
  data: {
    environment?: unknown
    project?: {
      volumes: {
        pageInfo?: unknown
        edges: {
          node: {
            volumeInstances: { pageInfo: unknown; edges: { node: { environmentId?: string } }[] }
          }
        }[]
      }
    }
  }
}

/** An Ask that changes the answers of a world. */
function changed(world: RailwayWorld, change: (json: Shape) => unknown, status = 200): Asked {
  const honest = asking(world)
  return {
    questions: honest.questions,
    ask: async (question) => {
      const { json } = await honest.ask(question)
      return { status, json: change(json as Shape) }
    },
  }
}

test('an answer that is not whole is no answer', async () => {
  const text = `mutation { volumeDelete(volumeId: "${ids.volumeStaging}") }`
  const faults: [string, (json: Shape) => unknown, string][] = [
    [
      'errors beside data',
      (json) => ({ ...json, errors: [{ message: 'partial' }] }),
      'lookup_failed',
    ],
    ['an empty list of errors', (json) => ({ ...json, errors: [] }), 'lookup_failed'],
    ['no data', () => ({ data: null }), 'lookup_failed'],
    ['no object', () => [], 'lookup_failed'],
    ['nothing', () => undefined, 'lookup_failed'],
    [
      'another environment',
      (json) =>
        json.data.environment
          ? { data: { environment: { id: ids.production, projectId: ids.project } } }
          : json,
      'not_found',
    ],
    [
      'no page information',
      (json) => {
        delete json.data.project?.volumes.pageInfo
        return json
      },
      'view_incomplete',
    ],
    [
      'a last page that does not say so',
      (json) => {
        if (json.data.project) json.data.project.volumes.pageInfo = { hasNextPage: null }
        return json
      },
      'view_incomplete',
    ],
    [
      'a next page without a cursor',
      (json) => {
        if (json.data.project) {
          json.data.project.volumes = { edges: [], pageInfo: { hasNextPage: true } }
        }
        return json
      },
      'view_incomplete',
    ],
    [
      'an instance without its environment',
      (json) => {
        for (const { node } of json.data.project?.volumes.edges ?? [])
          for (const edge of node.volumeInstances.edges) delete edge.node.environmentId
        return json
      },
      'view_incomplete',
    ],
    [
      'no instances',
      (json) => {
        for (const { node } of json.data.project?.volumes.edges ?? [])
          node.volumeInstances.edges = []
        return json
      },
      'view_incomplete',
    ],
    [
      'more instances than it shows',
      (json) => {
        for (const { node } of json.data.project?.volumes.edges ?? [])
          node.volumeInstances.pageInfo = { hasNextPage: true, endCursor: '1' }
        return json
      },
      'view_incomplete',
    ],
  ]
  for (const [what, change, why] of faults) {
    const found = await located(text, changed(railwayWorld(), change))
    assert.deepEqual(found, { places: [], unresolved: [`volume ${why}`] }, what)
  }
  assert.deepEqual(
    (
      await located(
        text,
        changed(railwayWorld(), (json) => json, 502),
      )
    ).unresolved,
    ['volume lookup_failed'],
  )
  const broken: Ask = () => Promise.reject(new Error('connection lost'))
  assert.deepEqual((await located(text, { ask: broken, questions: [] })).unresolved, [
    'volume lookup_failed',
  ])
})

test('a provider that pages for ever is given up', async () => {
  let page = 0
  const endless = changed(railwayWorld(), (json) => {
    const volumes = json.data.project?.volumes
    if (volumes === undefined) return json
    return {
      data: {
        project: {
          volumes: { edges: [], pageInfo: { hasNextPage: true, endCursor: `${page++}` } },
        },
      },
    }
  })
  const found = await located('mutation { volumeDelete(volumeId: "v") }', endless)
  assert.deepEqual(found.unresolved, ['volume too_many'])
  assert.equal(endless.questions.length, 20)
  const circling = changed(railwayWorld(), (json) => {
    if (json.data.project)
      json.data.project.volumes = { edges: [], pageInfo: { hasNextPage: true, endCursor: 'same' } }
    return json
  })
  assert.deepEqual(
    (await located('mutation { volumeDelete(volumeId: "v") }', circling)).unresolved,
    ['volume view_incomplete'],
  )
})

test('more ids than are looked up are refused before the first question', async () => {
  const asked = asking(railwayWorld())
  const one = only(`{ deployment(id: "${ids.deploymentStaging}") { id } }`)
  const many: Invocation = {
    ...one,
    resources: Array.from({ length: 51 }, (_, i) => ({
      kind: 'deployment',
      id: `${i}`,
      role: 'target',
      path: 'id',
    })),
  }
  const found = await adapter.locate(many, context(asked.ask, [ids.staging]))
  assert.deepEqual(
    found.unresolved.map(({ why }) => why),
    ['too_many'],
  )
  assert.deepEqual(asked.questions, [])
})

test('the same id is asked about once', async () => {
  const asked = asking(railwayWorld())
  await located(
    `mutation { volumeInstanceBackupRestore(volumeInstanceBackupId: "${ids.backupStaging}", volumeInstanceId: "${ids.volumeInstanceStaging}", wipeServiceIds: ["${ids.service}", "${ids.service}"], replicaServiceIds: ["${ids.service}"]) { workflowId } }`,
    asked,
  )
  assert.equal(asked.questions.length, 3)
})

test('an answer is believed for five seconds, by one credential, and never where it must be fresh', async () => {
  let now = 0
  const own = railwayAdapter(() => now)
  const asked = asking(railwayWorld())
  const read = only(`{ deployment(id: "${ids.deploymentStaging}") { id } }`)
  const ask = async (fresh: boolean, cacheKey: string): Promise<number> => {
    const before = asked.questions.length
    await own.locate(read, { ...context(asked.ask, [ids.staging], fresh), cacheKey })
    return asked.questions.length - before
  }
  assert.equal(await ask(false, 'credential 1'), 1)
  assert.equal(await ask(false, 'credential 1'), 0)
  assert.equal(await ask(true, 'credential 1'), 1)
  assert.equal(await ask(false, 'credential 2'), 1)
  now = 4_999
  assert.equal(await ask(false, 'credential 1'), 0)
  now = 5_000
  assert.equal(await ask(false, 'credential 1'), 1)
})

test('what was asked at the same time is asked once, and a failure is not kept', async () => {
  const own = railwayAdapter(() => 0)
  const honest = asking(railwayWorld())
  let fail = true
  let count = 0
  const ask: Ask = (question) => {
    count++
    return fail ? Promise.resolve({ status: 500, json: undefined }) : honest.ask(question)
  }
  const read = only(`{ deployment(id: "${ids.deploymentStaging}") { id } }`)
  const one = async (): Promise<Located> =>
    own.locate(read, { ...context(ask, [ids.staging], false), cacheKey: 'credential' })
  const failed = await Promise.all([one(), one(), one()])
  assert.equal(count, 1)
  assert.ok(failed.every((found) => found.unresolved[0]?.why === 'lookup_failed'))
  fail = false
  assert.deepEqual((await one()).places, places(ids.staging))
})

test('the incident is refused for a staging capability, volume by volume', async () => {
  const world = railwayWorld()
  const wants = (id: string) =>
    verdict(
      document(`mutation { volumeDelete(volumeId: "${id}") }`),
      ['volumeDelete'],
      [ids.staging],
      asking(world),
    )
  assert.equal((await wants(ids.volumeStaging)).kind, 'needs_approval')
  assert.equal((await wants(ids.volumeProduction)).kind, 'deny')
  assert.equal((await wants(ids.volumeShared)).kind, 'deny')
})
