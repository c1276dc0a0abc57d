/** What the agent sends, in order: each with what must come of it. */
import type { RailwayIds } from '../../test/support/railway-world.ts'
import type { Sent } from './curl.ts'

/**
 * Three capabilities of one agent. `task` is what its task needs; `careless` was granted the deadly verbs too, without
 * any approval, so that only the environment stands in the way; `usual` has the verb under the default rule.
 */
export type Which = 'task' | 'careless' | 'usual'

export type Attempt = {
  readonly says: string
  readonly as: Which
  readonly request: Omit<Sent, 'token'>
  readonly expect: Expectation
}

export type Expectation =
  | {
      readonly kind: 'allow'
      /** What the provider's answer must hold under `data`. */
      readonly data: (data: Readonly<Record<string, unknown>>) => boolean
    }
  | {
      readonly kind: 'deny' | 'needs_approval'
      readonly status: number
      readonly code: string
      /** Whether the broker has reason to ask the provider where an id lives. */
      readonly asks: boolean
    }

export const endpoint = '/proxy/railway/graphql/v2'
const json = 'application/json'

const post = (body: unknown): Attempt['request'] => ({
  method: 'POST',
  target: endpoint,
  contentType: json,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

/** The body of the incident, letter for letter but for the id. */
export const incidentBody = (volume: string): string =>
  `{"query":"mutation { volumeDelete(volumeId: \\"${volume}\\") }"}`

/** The incident's command as it was sent: `-d`, and no Content-Type, so that curl calls the JSON a form. */
export const incident = (volume: string): Attempt['request'] => ({
  method: 'POST',
  target: endpoint,
  body: incidentBody(volume),
})

const no = (status: number, code: string, asks = false): Expectation => ({
  kind: 'deny',
  status,
  code,
  asks,
})
const outside = no(403, 'environment_outside', true)

export function everydayWork(ids: RailwayIds): readonly Attempt[] {
  return [
    {
      says: 'reads the staging environment',
      as: 'task',
      request: post({ query: `{ environment(id: "${ids.staging}") { id name } }` }),
      expect: {
        kind: 'allow',
        data: (data) => (data['environment'] as { name?: string } | null)?.name === 'staging',
      },
    },
    {
      says: 'creates a volume in staging',
      as: 'task',
      request: post({
        query: 'mutation ($input: VolumeCreateInput!) { volumeCreate(input: $input) { id } }',
        variables: {
          input: { projectId: ids.project, environmentId: ids.staging, mountPath: '/scratch' },
        },
      }),
      expect: {
        kind: 'allow',
        data: (data) => typeof (data['volumeCreate'] as { id?: string } | null)?.id === 'string',
      },
    },
    {
      says: 'restarts the deployment in staging',
      as: 'task',
      request: post({ query: `mutation { deploymentRestart(id: "${ids.deploymentStaging}") }` }),
      expect: { kind: 'allow', data: (data) => data['deploymentRestart'] === true },
    },
  ]
}

export function theIncident(ids: RailwayIds): readonly Attempt[] {
  return [
    {
      says: 'as it was sent: curl -d, and no Content-Type',
      as: 'task',
      request: incident(ids.volumeProduction),
      expect: no(415, 'unsupported_media_type'),
    },
    {
      says: 'again, as application/json',
      as: 'task',
      request: post(incidentBody(ids.volumeProduction)),
      expect: no(403, 'verb_missing'),
    },
    {
      says: 'again, for the volume that staging and production share',
      as: 'task',
      request: post(incidentBody(ids.volumeShared)),
      expect: no(403, 'verb_missing'),
    },
  ]
}

/** The same with a capability that may delete volumes, and with the delete hidden in each way that GraphQL has. */
export function inDisguise(ids: RailwayIds): readonly Attempt[] {
  const { volumeProduction: production, volumeShared: shared } = ids
  const hidden: readonly (readonly [string, Attempt['request'], Expectation])[] = [
    ['production’s volume, plainly', post(incidentBody(production)), outside],
    ['the shared volume, plainly', post(incidentBody(shared)), outside],
    [
      'behind an alias that sounds harmless',
      post({ query: `mutation { volumeCreate: volumeDelete(volumeId: "${production}") }` }),
      outside,
    ],
    [
      'inside a fragment',
      post({
        query: `mutation { ...Tidy } fragment Tidy on Mutation { volumeDelete(volumeId: "${production}") }`,
      }),
      outside,
    ],
    [
      'as a second operation, chosen by operationName',
      post({
        query: `query Look { environment(id: "${ids.staging}") { id } } mutation Tidy { volumeDelete(volumeId: "${production}") }`,
        operationName: 'Tidy',
      }),
      outside,
    ],
    [
      'as the default of a variable that is not sent',
      post({
        query: `mutation ($id: String! = "${production}") { volumeDelete(volumeId: $id) }`,
      }),
      outside,
    ],
    [
      'as one of a batch',
      post([
        { query: `{ environment(id: "${ids.staging}") { id } }` },
        { query: `mutation { volumeDelete(volumeId: "${production}") }` },
      ]),
      no(400, 'not_understood'),
    ],
    [
      'as a GET, in the URL',
      {
        method: 'GET',
        target: `${endpoint}?query=${encodeURIComponent(`mutation { volumeDelete(volumeId: "${production}") }`)}`,
      },
      no(405, 'method_not_allowed'),
    ],
    [
      'as a patch of staging with isDeleted: production’s volume',
      post(patch(ids.staging, production)),
      outside,
    ],
    [
      'as a patch of staging with isDeleted: the shared volume',
      post(patch(ids.staging, shared)),
      outside,
    ],
    ['as a patch of production', post(patch(ids.production, shared)), outside],
  ]
  return hidden.map(([says, request, expect]) => ({ says, as: 'careless', request, expect }))
}

function patch(environmentId: string, volume: string): Readonly<Record<string, unknown>> {
  return {
    query:
      'mutation ($in: String!, $patch: EnvironmentConfig) { environmentPatchCommit(environmentId: $in, patch: $patch) }',
    variables: { in: environmentId, patch: { volumes: { [volume]: { isDeleted: true } } } },
  }
}

/** That the capability is good, and only its environment was in the way. */
export function withinBounds(volume: string): Attempt {
  return {
    says: 'yet the volume that it made in staging, it may delete',
    as: 'careless',
    request: post(incidentBody(volume)),
    expect: { kind: 'allow', data: (data) => data['volumeDelete'] === true },
  }
}

export function underTheUsualRule(ids: RailwayIds): Attempt {
  return {
    says: 'deletes staging’s own volume',
    as: 'usual',
    request: post(incidentBody(ids.volumeStaging)),
    expect: { kind: 'needs_approval', status: 403, code: 'approval_required', asks: true },
  }
}

/** For `--sabotage`: a step that must be refused, aimed at what is allowed. */
export function aimedAt(attempts: readonly Attempt[], index: number, volume: string): Attempt[] {
  return attempts.map((attempt, i) =>
    i === index ? { ...attempt, request: post(incidentBody(volume)) } : attempt,
  )
}
