/**
 * The world of the cases: one project with two environments, two repositories, and for each the stand-in that answers
 * the broker's own questions about them. Environments, credentials, the agent and its grants are made through the API.
 */
import { railwayExecutor } from '../../test/support/railway-stand-in.ts'
import { railwayWorld } from '../../test/support/railway-world.ts'
import { openBrokers, adminPassword, type Brokers } from './brokers.ts'
import type { Expansion, Values } from './cases.ts'
import {
  jsonReply,
  reply,
  startAttacker,
  startUpstream,
  type Respond,
  type Upstream,
} from './upstream.ts'

export type Provider = 'railway' | 'github'
export type Place = 'staging' | 'production'

export type Wanted = {
  readonly provider: Provider
  readonly verbs: readonly string[]
  readonly place: Place
  /** The grant's own rule is the default. */
  readonly approval?: 'always'
}

export type World = {
  readonly values: Values
  readonly expansion: Expansion
  readonly brokers: Brokers
  readonly upstreams: Readonly<Record<Provider, Upstream>>
  readonly attacker: { readonly host: string; connections(): number }
  /** Our own ids and names of the environments. */
  readonly environments: Readonly<Record<Place, { readonly id: string; readonly name: string }>>
  readonly agent: { readonly id: string; readonly key: string }
  /** The id of an agent that does nothing, for what may be done to one. */
  readonly bystander: string
  /** Every capability that was issued so far, to be found nowhere upstream. */
  readonly issued: readonly string[]
  /** One that was issued by another way than the ones below. */
  alsoIssued(token: string): void
  /** A capability, the same one until it is a few minutes old; what the admin API said where it mints no such grant. */
  capability(wanted: Wanted): Promise<{ readonly token: string } | { readonly refused: string }>
  /** A capability that nobody else holds, of the grant of the one above. */
  fresh(wanted: Wanted): Promise<string>
  /** A capability of a grant of one's own, in an environment of one's own. */
  apart(railwayEnvironment: string): Promise<{ token: string; environmentId: string }>
  /** What must have come about before the log is looked at as a whole. */
  beforeEnd(wait: () => Promise<void>): void
  /** All of that. */
  settled(): Promise<void>
  /** Done when the world is closed. */
  onClose(clean: () => Promise<void>): void
  close(): Promise<void>
}

/** Capabilities that the cases name, and what they are. */
export const named: Readonly<Record<string, Wanted>> = {
  readonly_staging: { provider: 'railway', verbs: ['read'], place: 'staging' },
  verbs_volumeCreate_staging: { provider: 'railway', verbs: ['volumeCreate'], place: 'staging' },
  gh_readonly_staging: { provider: 'github', verbs: ['read'], place: 'staging' },
  gh_verbs_repos_get_staging: { provider: 'github', verbs: ['repos/get'], place: 'staging' },
}

/** The placeholder of each. */
export const placeholders: Readonly<Record<string, string>> = {
  CAP_READONLY_STAGING: 'readonly_staging',
  CAP_VOLUMECREATE_STAGING: 'verbs_volumeCreate_staging',
  CAP_GH_READONLY_STAGING: 'gh_readonly_staging',
  CAP_GH_REPOSGET_STAGING: 'gh_verbs_repos_get_staging',
}

/** How long a capability is used for before another is asked for, in milliseconds; it lives for longer. */
const usedFor = 240_000

type Made = { readonly id: string; readonly key: string }

export async function openWorld(expansion: Expansion): Promise<World> {
  const { defaults } = expansion
  const value = (name: string): string => defaults[name] ?? ''
  const tokens = {
    railway: value('PROVIDER_TOKEN_RAILWAY'),
    github: value('PROVIDER_TOKEN_GITHUB'),
  }
  const railway = await startUpstream(railwayAnswers(value, tokens.railway))
  const github = await startUpstream(githubAnswers(value))
  const attacker = await startAttacker()
  const brokers = await openBrokers({ railway: railway.origin, github: github.origin })
  const { api, first } = brokers

  /** The id of what was made; an agent's key beside it. */
  async function create(path: string, body: Record<string, unknown>): Promise<Made> {
    const { status, body: made } = await api('POST', path, body)
    if (status !== 201)
      throw new Error(`${path} answered ${String(status)}: ${JSON.stringify(made)}`)
    const { id, agent, key = '' } = made as { id?: string; agent?: { id: string }; key?: string }
    return { id: id ?? agent?.id ?? '', key }
  }

  const password = adminPassword
  const owner = value('GH_OWNER')
  async function environment(name: string, ids: readonly [railway: string, repository?: string]) {
    const [railwayId, repository] = ids
    const { id } = await create('/v1/environments', {
      name,
      bindings: [
        { provider: 'railway', kind: 'environment', id: railwayId },
        ...(repository === undefined
          ? []
          : [{ provider: 'github', kind: 'repository', id: `${owner}/${repository}` }]),
      ],
    })
    return { id, name }
  }
  const environments = {
    staging: await environment('pocketos/staging', [
      value('ENV_STAGING'),
      value('GH_REPO_STAGING'),
    ]),
    production: await environment('pocketos/production', [
      value('ENV_PROD'),
      value('GH_REPO_PROD'),
    ]),
  }
  const agent = await create('/v1/agents', {
    name: 'coder',
  })
  const bystander = await create('/v1/agents', { name: 'bystander' })
  const cleaning: (() => Promise<void>)[] = []
  const ending: (() => Promise<void>)[] = []

  const credentials = new Map<string, string>()
  async function credential(provider: Provider, environmentId: string): Promise<string> {
    const known = credentials.get(`${provider} ${environmentId}`)
    if (known !== undefined) return known
    const { id } = await create('/v1/credentials', {
      name: `${provider} ${String(credentials.size + 1)}`,
      provider,
      environment: environmentId,
      secret: tokens[provider],
      password,
    })
    credentials.set(`${provider} ${environmentId}`, id)
    return id
  }

  const issued: string[] = []
  async function issue(grant: string): Promise<string> {
    const response = await fetch(`${first.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: agent.id,
        client_secret: agent.key,
        authorization_details: JSON.stringify([{ type: 'valetkey', grant }]),
      }),
    })
    const body = (await response.json()) as { access_token?: string }
    if (body.access_token === undefined)
      throw new Error(`/oauth/token answered ${String(response.status)}: ${JSON.stringify(body)}`)
    issued.push(body.access_token)
    return body.access_token
  }

  const grants = new Map<string, { readonly id: string } | { readonly refused: string }>()
  async function grant(wanted: Wanted) {
    const name = JSON.stringify(wanted)
    let known = grants.get(name)
    if (known === undefined) {
      const made = await api('POST', '/v1/grants', {
        agent: agent.id,
        credential: await credential(wanted.provider, environments[wanted.place].id),
        verbs: wanted.verbs,
        max_lifetime_seconds: 900,
        ...(wanted.approval === undefined ? {} : { approval: wanted.approval }),
        password,
      })
      const { id = '', detail = String(made.status) } = made.body as {
        id?: string
        detail?: string
      }
      known = made.status === 201 ? { id } : { refused: detail }
      grants.set(name, known)
    }
    return known
  }

  const held = new Map<string, { readonly token: string; readonly until: number }>()
  return {
    values: {
      ...defaults,
      PROXY_BASE: first.url,
      PROXY_HOST: `127.0.0.1:${String(first.port)}`,
      UPSTREAM_RAILWAY_HOST: railway.host,
      UPSTREAM_GITHUB_HOST: github.host,
      ATTACKER_HOST: attacker.host,
    },
    expansion,
    brokers,
    upstreams: { railway, github },
    attacker,
    environments,
    agent,
    bystander: bystander.id,
    beforeEnd: (wait) => void ending.push(wait),
    async settled() {
      for (const wait of ending) await wait()
    },
    onClose: (clean) => void cleaning.push(clean),
    issued,
    alsoIssued: (token) => void issued.push(token),
    async capability(wanted) {
      const made = await grant(wanted)
      if ('refused' in made) return made
      let found = held.get(made.id)
      if (found === undefined || found.until < Date.now()) {
        found = { token: await issue(made.id), until: Date.now() + usedFor }
        held.set(made.id, found)
      }
      return { token: found.token }
    },
    async fresh(wanted) {
      const made = await grant(wanted)
      if ('refused' in made) throw new Error(`no such grant: ${made.refused}`)
      return issue(made.id)
    },
    async apart(railwayEnvironment) {
      const made = await environment(`apart/${String(credentials.size + 1)}`, [railwayEnvironment])
      const { id } = await create('/v1/grants', {
        agent: agent.id,
        credential: await credential('railway', made.id),
        password,
      })
      return { token: await issue(id), environmentId: made.id }
    },
    async close() {
      for (const clean of cleaning) await clean()
      await brokers.close()
      await Promise.all([railway.close(), github.close(), attacker.close()])
    },
  }
}

/** Railway's answers: each request meets the world as it is described, whatever an earlier one did to it. */
function railwayAnswers(value: (name: string) => string, token: string): Respond {
  const ids = {
    workspace: value('WORKSPACE_ID'),
    project: value('PROJECT_ID'),
    staging: value('ENV_STAGING'),
    production: value('ENV_PROD'),
    service: value('SERVICE_ID'),
    volumeStaging: value('VOLUME_STAGING'),
    volumeProduction: value('VOLUME_PROD'),
    volumeInstanceStaging: value('VOLINST_STAGING'),
    volumeInstanceProduction: value('VOLINST_PROD'),
    deploymentStaging: value('DEPLOY_STAGING'),
    deploymentProduction: value('DEPLOY_PROD'),
    backupStaging: value('BACKUP_STAGING'),
    bucket: value('BUCKET_ID'),
    otherProject: value('OTHER_PROJECT_ID'),
    otherEnvironment: value('ENV_OTHER'),
    otherService: value('SERVICE_OTHER'),
  }
  return async (request) => {
    let sent: unknown
    try {
      sent = JSON.parse(request.body.toString('utf8'))
    } catch {
      return reply(400, [], Buffer.from('{}'))
    }
    const execute = railwayExecutor(railwayWorld(ids), { kind: 'account', value: token })
    return jsonReply(
      Array.isArray(sent) ? await Promise.all(sent.map(execute)) : await execute(sent),
    )
  }
}

function githubAnswers(value: (name: string) => string): Respond {
  const owner = value('GH_OWNER')
  const repository = (name: string, id: string) => ({
    id: Number(id),
    full_name: `${owner}/${name}`,
  })
  const all = [
    repository(value('GH_REPO_STAGING'), value('GH_REPO_STAGING_ID')),
    repository(value('GH_REPO_PROD'), value('GH_REPO_PROD_ID')),
  ]
  return (request) => {
    const [path = ''] = request.target.split('?')
    if (path === '/installation/repositories')
      return jsonReply({ total_count: all.length, repositories: all })
    const found = all.find(({ full_name: name }) => path === `/repos/${name}`)
    const body = found === undefined ? {} : { ...found, private: true }
    if (request.method !== 'HEAD') return jsonReply(body)
    const { pieces } = jsonReply(body)
    return { pieces: pieces.slice(0, 1), after: 'keep' }
  }
}
