/** The scenes, in order. What each of them expects is checked line by line. */
import { setTimeout as sleep } from 'node:timers/promises'
import { setUp, type Admin, type Capability, type Entry, type Received } from './admin.ts'
import { createAgent, isQuestion, type Agent } from './agent.ts'
import {
  aimedAt,
  everydayWork,
  incident,
  inDisguise,
  theIncident,
  underTheUsualRule,
  withinBounds,
} from './attempts.ts'
import { curlArguments, hasCurl, sender } from './curl.ts'
import type { Stage } from './stage.ts'
import type { Teller } from './teller.ts'
import { namesOf, trail } from './trail.ts'

const environment = 'pocketos/staging'

export type Told = {
  readonly received: Received
  readonly credentialName: string
}

export async function tell(
  teller: Teller,
  stage: Stage,
  options: { readonly sabotage: boolean; readonly startedIn: number },
): Promise<Told> {
  const { world, standIn, broker } = stage
  const { ids } = world
  const received: Received = []

  teller.scene(1, 'A stand-in for Railway, and a broker in front of it')
  showWorld(teller, stage)
  teller.check(true, `the broker serves at ${broker.url}, on a PostgreSQL of its own`, {
    right: `${(options.startedIn / 1000).toFixed(1)} s`,
    detail: `Its data directory, and all that it writes: ${stage.dataDir}`,
  })

  teller.scene(2, `An admin seals the token, and grants an agent ${environment}`)
  const admin = await setUp(broker, received, {
    secret: stage.secret,
    environment,
    railwayId: ids.staging,
  })
  teller.check(true, `${environment} is bound to one environment of Railway’s`)
  teller.check(
    admin.reach.kind === 'wider',
    'the token is sealed, and the broker warns about it:',
    {
      right: `reach: ${admin.reach.kind}`,
      detail: admin.reach.detail,
      expected: 'the warning that it reaches more than its environment (reach: wider)',
      came: admin.reach.kind,
    },
  )
  const capabilities = await grantAll(teller, admin)

  const curl = await hasCurl()
  const agent = createAgent({
    teller,
    standIn,
    send: sender(broker.url, curl, received),
    tokens: {
      task: capabilities.task.token,
      careless: capabilities.careless.token,
      usual: capabilities.usual.token,
    },
  })

  teller.scene(3, 'The agent does its task')
  let made = ''
  for (const attempt of everydayWork(ids)) {
    const { json } = await agent.attempt(attempt)
    const volume = (json['data'] as { volumeCreate?: { id?: string } } | undefined)?.volumeCreate
    made = volume?.id ?? made
  }
  const volume = world.volumes.get(made)
  if (volume !== undefined) volume.name = 'the agent’s volume'
  // Before anything can be deleted.
  const names = namesOf(world)

  teller.scene(4, 'The request of April 2026, with the capability of that task')
  showCommand(teller, curl)
  for (const attempt of theIncident(ids)) await agent.attempt(attempt)

  teller.scene(
    5,
    'The same, had the grant been careless: it may delete volumes, and nobody is asked',
  )
  teller.say(
    'Only the environment stands in the way now, and each way to hide the delete is tried.',
  )
  const disguises = inDisguise(ids)
  for (const attempt of options.sabotage ? aimedAt(disguises, 2, ids.volumeStaging) : disguises)
    await agent.attempt(attempt)
  await agent.attempt(withinBounds(made))

  teller.scene(6, 'The verb in its own environment, under the usual rule: a person must approve')
  await agent.attempt(underTheUsualRule(ids))

  teller.scene(7, 'What reached Railway')
  checkProvider(teller, stage, agent)

  teller.scene(8, 'The audit log of what the agent tried, as GET /v1/audit tells it')
  const entries = await checkTrail(teller, admin, agent)
  for (const line of trail(entries, names)) teller.line(line)

  return { received, credentialName: admin.credentialName }
}

function showWorld(teller: Teller, { world, standIn }: Stage): void {
  const { ids } = world
  const volumesIn = (environmentId: string): string[] =>
    [...world.volumeInstances.values()]
      .filter((instance) => instance.environmentId === environmentId)
      .map((instance) => world.volumes.get(instance.volumeId)?.name ?? '')
  teller.check(true, `Railway’s own schema, with state, at ${standIn.origin}`)
  for (const [name, id] of [
    ['staging', ids.staging],
    ['production', ids.production],
  ] as const)
    teller.line(`      pocketos/${name.padEnd(10)}  volumes: ${volumesIn(id).join(', ')}`)
}

async function grantAll(
  teller: Teller,
  admin: Admin,
): Promise<Record<'task' | 'careless' | 'usual', Capability>> {
  const wishes = [
    ['task', 'what the task needs', { verbs: ['read', 'volumeCreate', 'deploymentRestart'] }],
    [
      'careless',
      'a careless one, no approval',
      {
        verbs: ['read', 'volumeDelete', 'environmentPatchCommit+destructive'],
        approval: 'never',
      },
    ],
    ['usual', 'one under the usual rule', { verbs: ['read', 'volumeDelete'] }],
  ] as const
  const issued: Partial<Record<'task' | 'careless' | 'usual', Capability>> = {}
  for (const [which, says, wish] of wishes) {
    const capability = await admin.capability(await admin.grant(wish))
    issued[which] = capability
    const same = capability.verbs.join() === wish.verbs.join()
    teller.check(same && capability.lifetime <= 900, `a grant and its capability: ${says}`, {
      right: `${String(capability.lifetime / 60)} minutes`,
      detail: capability.verbs.join(', '),
      expected: `${wish.verbs.join(', ')} for 15 minutes at most`,
    })
  }
  return issued as Record<'task' | 'careless' | 'usual', Capability>
}

function showCommand(teller: Teller, curl: boolean): void {
  const sent = { ...incident('…'), token: '$CAPABILITY' }
  const quoted = curlArguments('$BROKER', sent).map((argument) =>
    /^[\w/$.-]+$/.test(argument)
      ? argument
      : argument.startsWith('{')
        ? `'${argument}'`
        : `"${argument}"`,
  )
  const at = quoted.indexOf('-d')
  teller.line(`   $ curl ${quoted.slice(0, at).join(' ')} \\`)
  teller.line(`       ${quoted.slice(at).join(' ')}`)
  if (!curl) teller.say('(curl is not installed here; the same request is sent by Node.)')
}

function checkProvider(teller: Teller, { world, standIn, secret }: Stage, agent: Agent): void {
  const { ids } = world
  const mutations = standIn.log
    .filter((request) => !isQuestion(request))
    .map((request) => /\b(\w+)\(/.exec(request.body.replace(/^.*?mutation[^{]*/, ''))?.[1] ?? '?')
  const expected = ['volumeCreate', 'deploymentRestart', 'volumeDelete']
  const refused = agent.results.filter(({ attempt }) => attempt.expect.kind !== 'allow').length
  teller.check(
    mutations.join() === expected.join(),
    `of what changes something, the three allowed calls and none of the ${String(refused)} others`,
    {
      detail: `The broker asked ${String(agent.questions())} questions of its own about these, to learn where an id lives.`,
      expected: expected.join(', '),
      came: mutations.join(', '),
    },
  )
  const there = (['volumeStaging', 'volumeProduction', 'volumeShared'] as const).filter((key) =>
    world.volumes.has(ids[key]),
  )
  const instances = [...world.volumeInstances.values()].length
  teller.check(
    there.length === 3 && instances === 4 && world.backups.size === 1,
    'all three volumes are there, with their data in each environment, and the backup',
    {
      expected: '3 volumes in 4 places and 1 backup',
      came: `${String(there.length)} volumes in ${String(instances)} places and ${String(world.backups.size)} backups`,
    },
  )
  const restarts = [ids.deploymentStaging, ids.deploymentProduction].map(
    (id) => world.deployments.get(id)?.restarts,
  )
  teller.check(
    restarts.join() === '1,0',
    'staging’s deployment was restarted once, production’s not',
    {
      expected: '1 and 0 restarts',
      came: restarts.join(' and '),
    },
  )
  const carried = standIn.log.filter((request) =>
    request.rawHeaders.includes(`Bearer ${secret}`),
  ).length
  teller.check(
    carried === standIn.log.length,
    `all ${String(standIn.log.length)} requests came from the broker, with the real token`,
    { expected: String(standIn.log.length), came: String(carried) },
  )
}

/** Every request has its entry, with the decision that its answer told of; and allowed ones have an outcome after it. */
async function checkTrail(teller: Teller, admin: Admin, agent: Agent): Promise<readonly Entry[]> {
  const filter = { actor: admin.agentId }
  const entries = await admin.audit({ ...filter, kind: 'decision' })
  const expected = agent.results.map(({ attempt }) => attempt.expect.kind)
  teller.check(
    entries.map((entry) => entry.result).join() === expected.join(),
    `${String(expected.length)} requests, ${String(entries.length)} entries, and each decision is the one that was due`,
    { expected: expected.join(', '), came: entries.map((entry) => entry.result).join(', ') },
  )
  const told = agent.results.map(({ answer }) => answer.json['correlation_id'])
  const matching = entries.filter((entry, i) => {
    const correlation = told[i]
    if (expected[i] === 'allow') return correlation === undefined
    return correlation === entry.correlationId
  })
  teller.check(
    matching.length === expected.length,
    'each refusal that the agent got names its entry (correlation_id)',
    { expected: String(expected.length), came: String(matching.length) },
  )
  const allowed = entries.filter((entry) => entry.result === 'allow')
  let outcomes: readonly Entry[] = []
  // An outcome follows its request within a second.
  for (let tries = 0; tries < 30; tries++) {
    outcomes = await admin.audit({ ...filter, kind: 'outcome' })
    if (outcomes.length >= allowed.length) break
    await sleep(100)
  }
  const completed = allowed.filter((entry) =>
    outcomes.some(
      (outcome) => outcome.correlationId === entry.correlationId && outcome.result === 'completed',
    ),
  )
  teller.check(
    completed.length === allowed.length && outcomes.length === allowed.length,
    `each of the ${String(allowed.length)} allowed calls was on record before it left, and its outcome after`,
    {
      expected: `${String(allowed.length)} outcomes`,
      came: `${String(completed.length)} completed`,
    },
  )
  return entries
}
