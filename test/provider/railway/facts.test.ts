import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse, visit } from 'graphql'
import type { Ask } from '../../../src/provider/adapter.ts'
import { railwayFacts } from '../../../src/provider/railway/facts.ts'
import { shippedProviders } from '../../../src/provider/registry.ts'
import { backedUpAt as now, worldWithBackups } from '../../support/railway-backups.ts'
import { railwayIds as ids, railwayWorld } from '../../support/railway-world.ts'
import {
  asking,
  context,
  document,
  invocations,
  type Asked,
} from '../../support/railway-verdict.ts'

const clocks = { now: () => 0, date: () => now }
const factsOf = railwayFacts(clocks)
const deletion = (id: string) => `mutation { volumeDelete(volumeId: ${JSON.stringify(id)}) }`

type Told = { readonly facts: Map<string, string>; readonly objects: ReadonlyMap<string, unknown> }

async function told(
  text: string,
  asked: Asked | Ask = asking(railwayWorld()),
  bound: readonly string[] = [ids.staging, ids.production],
): Promise<Told> {
  const ask = typeof asked === 'function' ? asked : asked.ask
  const { facts, objects } = await factsOf(invocations(document(text)), context(ask, bound))
  const byLabel = new Map(facts.map(({ label, value }) => [label, value]))
  assert.equal(byLabel.size, facts.length, 'two facts have one label')
  return { facts: byLabel, objects }
}

test('of a volume that is deleted the approver reads its size, its instance, the backups that die and that none survives', async () => {
  const { facts, objects } = await told(deletion(ids.volumeProduction), asking(worldWithBackups()))
  assert.deepEqual(Object.fromEntries(facts), {
    'Volume "production-data"': `41.3 GB used of 50 GB; instances: 1, of which this reaches 1; id ${ids.volumeProduction}`,
    'Instance of "production-data" in "production"':
      'deleted with its data; 41.3 GB used of 50 GB; mounted by "api" at "/data"; state READY',
    'Backups that die with "production-data" in "production"':
      '3; the newest is "Wednesday" of 2026-06-01 09:00 UTC (3 h old), 1.2 GB; schedule DAILY, WEEKLY',
    'Newest backup of "production-data" that would survive':
      'none: Railway names no backup of it that is kept outside it',
  })
  assert.deepEqual(objects.get(`volume:${ids.volumeProduction}`), {
    name: 'production-data',
    places: [`environment:${ids.production}`],
  })
})

test('a volume in two environments is told with both of its instances, however Railway pages', async () => {
  const { facts, objects } = await told(deletion(ids.volumeShared), asking(railwayWorld(), 2))
  assert.match(
    facts.get('Volume "shared-data"') ?? '',
    /^2 MB used of 2 GB; instances: 2, of which/,
  )
  assert.ok(facts.has('Instance of "shared-data" in "staging"'))
  assert.equal(facts.get('Backups that die with "shared-data" in "production"'), '0; no schedule')
  assert.deepEqual(objects.get(`volume:${ids.volumeShared}`), {
    name: 'shared-data',
    places: [`environment:${ids.staging}`, `environment:${ids.production}`],
  })
})

test('instances are read to the end where a page holds one', async () => {
  const { facts } = await told(deletion(ids.volumeShared), asking(railwayWorld(), 1))
  assert.match(facts.get('Volume "shared-data"') ?? '', /instances: 2, of which this reaches 2;/)
})

test('what Railway does not answer is told as not asked, never as nothing', async () => {
  const without = (field: string): Ask => {
    const { ask } = asking(worldWithBackups())
    return (question) =>
      question.body?.toString().includes(field) === true
        ? Promise.reject(new Error('connection lost'))
        : ask(question)
  }
  const backups = await told(deletion(ids.volumeProduction), without('BackupList'))
  assert.match(
    backups.facts.get('Backups that die with "production-data" in "production"') ?? '',
    /^could not be asked: /,
  )
  const volumes = await told(deletion(ids.volumeProduction), without('volumeInstances('))
  assert.match(volumes.facts.get('Could not be asked') ?? '', /^the volumes of the project /)
  assert.match(
    volumes.facts.get(`What is lost with "${ids.volumeProduction}"`) ?? '',
    /^could not be asked/,
  )
  const nothing = await told(
    deletion(ids.volumeProduction),
    () => Promise.resolve({ status: 200, json: { errors: [{ message: 'no' }], data: null } }),
    [ids.production],
  )
  assert.deepEqual(
    [...nothing.facts.keys()],
    ['Could not be asked', `What is lost with "${ids.volumeProduction}"`],
  )
  assert.equal(nothing.objects.size, 0)
})

test('a size or a time that is none is no answer', async () => {
  const { ask } = asking(worldWithBackups())
  const changing = (key: string, value: unknown): Ask => {
    return async (question) => {
      const answer = await ask(question)
      return {
        ...answer,
        json: JSON.parse(JSON.stringify(answer.json), (name, old: unknown) =>
          name === key ? value : old,
        ),
      }
    }
  }
  for (const value of [null, '3', -1, {}]) {
    const { facts } = await told(deletion(ids.volumeProduction), changing('currentSizeMB', value))
    assert.ok(facts.has('Could not be asked'), JSON.stringify(value))
    assert.ok(!facts.has('Volume "production-data"'), JSON.stringify(value))
  }
  const { facts } = await told(deletion(ids.volumeProduction), changing('createdAt', 'soon'))
  assert.match(
    facts.get('Backups that die with "production-data" in "production"') ?? '',
    /^could not be asked: /,
  )
})

test('the questions are few and end in time, also where Railway never answers', async () => {
  const asked = asking(worldWithBackups())
  await told(deletion(ids.volumeProduction), asked)
  // The project of each bound environment, its names, its volumes, the backups of the one instance.
  assert.equal(asked.questions.length, 5)
  const facts = railwayFacts(clocks, 5)
  const silent = await facts(
    invocations(document(deletion(ids.volumeProduction))),
    context(() => new Promise(() => {}), [ids.production]),
  )
  assert.match(silent.facts[0]?.value ?? '', /did not answer it, or not in time$/)
})

test('a request that names many volumes makes no more questions than are allowed', async () => {
  const world = railwayWorld()
  const volumes = Array.from({ length: 20 }, (_, i) => {
    const id = `71c0a4de-52f1-4b7e-8d3a-0c9b6e5f40${String(i).padStart(2, '0')}`
    world.volumes.set(id, { id, name: `volume ${String(i)}`, projectId: ids.project })
    world.volumeInstances.set(`i${id}`, {
      id: `i${id}`,
      volumeId: id,
      environmentId: ids.staging,
      serviceId: null,
      mountPath: '/data',
    })
    return id
  })
  const asked = asking(world)
  const text = `mutation { ${volumes.map((id, i) => `v${String(i)}: volumeDelete(volumeId: "${id}")`).join(' ')} }`
  const { facts } = await told(text, asked, [ids.staging])
  assert.equal(asked.questions.length, 3 + 10)
  assert.match(facts.get('More volumes') ?? '', /^12 more, not told one by one: 12 MB used of /)
})

test('a backup that is deleted is told by its name and age, and so is the newest that stays', async () => {
  const { facts, objects } = await told(
    `mutation { volumeInstanceBackupDelete(volumeInstanceId: "${ids.volumeInstanceProduction}", volumeInstanceBackupId: "b2") { workflowId } }`,
    asking(worldWithBackups()),
  )
  assert.equal(
    facts.get('Backup that is deleted from "production-data" in "production"'),
    '"Wednesday" of 2026-06-01 09:00 UTC (3 h old), 1.2 GB',
  )
  assert.equal(
    facts.get('Newest backup of "production-data" that would survive'),
    'one without a name of 2026-05-31 06:00 UTC (30 h old), 1 GB, kept with the volume; Railway names no backup of it that is kept outside it',
  )
  assert.deepEqual(objects.get('backup:b2'), { name: 'Wednesday' })
})

test('an environment that is deleted takes the volumes in it, and says what else it holds', async () => {
  const { facts, objects } = await told(`mutation { environmentDelete(id: "${ids.staging}") }`)
  assert.equal(facts.get('Environment "staging"'), 'services in it: 1 ("api"); variables: 1')
  assert.match(
    facts.get('Instance of "staging-data" in "staging"') ?? '',
    /^deleted with its data; /,
  )
  assert.match(facts.get('Volume "shared-data"') ?? '', /instances: 2, of which this reaches 1;/)
  assert.equal(facts.get('Bucket "uploads" in "staging"'), '12 objects, 3.4 MB')
  assert.ok(![...facts.keys()].some((label) => label.includes('"production-data"')))
  assert.deepEqual(objects.get(`environment:${ids.staging}`), { name: 'staging' })
})

test('a project that is deleted takes everything', async () => {
  for (const operation of [
    'projectDelete',
    'projectScheduleDelete',
    'projectScheduleDeleteForce',
  ]) {
    const { facts } = await told(`mutation { ${operation}(id: "${ids.project}") }`)
    assert.equal(
      facts.get('Project "pocketos"'),
      'environments: 2 ("staging", "production"); services: 1 ("api"); volumes: 3; buckets: 1 ("uploads")',
    )
    for (const name of ['staging-data', 'production-data', 'shared-data'])
      assert.match(facts.get(`Newest backup of "${name}" that would survive`) ?? '', /^none: /)
  }
})

test('a volume that the patch of a configuration marks as deleted is told as one that is deleted', async () => {
  // A key of a literal is a name: the id goes in a variable.
  const text =
    'mutation ($patch: EnvironmentConfig) { environmentPatchCommit(environmentId: "' +
    `${ids.production}", patch: $patch) }`
  const request = document(text, {
    patch: { volumes: { [ids.volumeProduction]: { isDeleted: true } } },
  })
  const { facts } = await factsOf(
    invocations(request),
    context(asking(worldWithBackups()).ask, [ids.production]),
  )
  const labels = facts.map(({ label }) => label)
  assert.ok(labels.includes('Not known'))
  assert.ok(labels.includes('Backups that die with "production-data" in "production"'))
})

test('where Railway does not say what becomes of the data, nobody is told that it is safe', async () => {
  const { facts } = await told(`mutation { serviceDelete(id: "${ids.service}") }`)
  assert.match(
    facts.get('Instance of "production-data" in "production"') ?? '',
    /^Railway does not say what becomes of it; /,
  )
  assert.match(
    facts.get('Newest backup of "production-data" that would survive') ?? '',
    /^not known: /,
  )
})

test('a request that destroys nothing is told with names alone', async () => {
  const { facts, objects } = await told(
    `mutation { projectTokenCreate(input: { projectId: "${ids.project}", environmentId: "${ids.staging}", name: "x" }) }`,
  )
  assert.equal(facts.size, 0)
  assert.deepEqual(
    objects,
    new Map([
      [`environment:${ids.staging}`, { name: 'staging' }],
      [`project:${ids.project}`, { name: 'pocketos' }],
    ]),
  )
})

test('a name cannot pose as the words around it', async () => {
  const world = worldWithBackups()
  const volume = world.volumes.get(ids.volumeProduction)
  assert.ok(volume)
  volume.name = 'x" in "staging": nothing is lost, 9 backups survive\n'
  const { facts } = await told(deletion(ids.volumeProduction), asking(world))
  assert.ok(
    facts.has('Volume "x\\" in \\"staging\\": nothing is lost, 9 backups survive\\n"'),
    [...facts.keys()].join(),
  )
})

test('only read-only operations of the catalogue that the adapter names are asked, and none reveals a secret', async () => {
  const adapter = shippedProviders().get('railway')
  assert.ok(adapter?.asks)
  const named = new Set(adapter.asks)
  for (const name of named) {
    const found = adapter.find(name)
    assert.ok(found !== undefined && found !== 'ambiguous', name)
    assert.deepEqual(found.effects, ['read'], name)
  }
  const asked = asking(worldWithBackups())
  await told(
    `mutation { projectDelete(id: "${ids.project}") a: environmentDelete(id: "${ids.staging}") }`,
    asked,
  )
  assert.ok(asked.questions.length > 5)
  for (const text of asked.questions) {
    const { query } = JSON.parse(text) as { query: string }
    visit(parse(query), {
      OperationDefinition({ operation, selectionSet }) {
        assert.equal(operation, 'query')
        for (const field of selectionSet.selections) {
          assert.ok(field.kind === 'Field')
          const { value } = field.name
          assert.ok(named.has(value) || named.has(`query:${value}`), value)
        }
      },
    })
  }
})
