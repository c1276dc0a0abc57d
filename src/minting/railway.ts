/**
 * Project tokens of Railway: each for one environment of one project. Railway ends none by itself and mints none that only
 * reads, so what is minted must be revoked, and a lease for reads alone is refused. Which token it is, and for what, is asked
 * with the token itself: what the answer names is held against the environment that was asked for.
 *
 * A broker can die between minting and writing down. A token says in its name until when it was wanted, and each mint ends
 * those of its project whose time is long over.
 */
import Type, { type Static } from 'typebox'
import { asMembers, isToken, membersOf, refusalOf, textAt, type Members } from './answer.ts'
import type { Minted, MintInput, MintKind, MintRefusal, Revoked } from './kind.ts'

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const Uuid = Type.String({ pattern: `^${uuid}$` })
const Parameters = Type.Object(
  {
    project_id: Type.Optional(Uuid),
    environment_id: Type.Optional(Uuid),
  },
  {
    additionalProperties: false,
    description: 'Where absent, those of the one environment that is bound.',
  },
)
export type RailwayParameters = Static<typeof Parameters>

/** How long after its time a token is believed to be forgotten, in milliseconds. */
const grace = 3_600_000
/** Of the twelve exchanges that one minting has, as many as leave it those that it needs. */
const mostSwept = 5
const leastSeconds = 60

export const railway: MintKind<RailwayParameters> = {
  name: 'railway',
  providers: ['railway'],
  parameters: Parameters,
  style: 'project-token',
  mustRevoke: true,
  narrowsToReads: () => false,
  complaint: (_, secret) => (isToken(secret) ? undefined : 'the secret is not a bearer token'),
  origins: (_, origin) => [origin],
  async mint(input) {
    const { narrowing, now } = input
    if (narrowing.readOnly)
      return refuse('impossible', 'Railway mints no project token that only reads')
    const environmentId = environmentOf(input)
    if (typeof environmentId !== 'string') return environmentId
    const projectId = await projectOf(input, environmentId).catch(() =>
      refuse('unavailable', 'nobody answered'),
    )
    if (typeof projectId !== 'string')
      return projectId.why === 'unavailable' ? { ...projectId, nothing: true } : projectId

    await sweep(input, projectId).catch(() => undefined)
    const expiresAt = now + Math.max(leastSeconds, Math.floor(narrowing.seconds)) * 1_000
    const made = await ask(
      input,
      `mutation ($input: ProjectTokenCreateInput!) { projectTokenCreate(input: $input) }`,
      { input: { projectId, environmentId, name: nameUntil(expiresAt) } },
    )
    if (!made.ok) return made.refusal
    const token = made.data['projectTokenCreate']
    if (!isToken(token)) return refuse('unavailable', 'Railway answered without a token')
    return claimed(input, { token, expiresAt, environmentId, projectId })
  },
  async revoke(input) {
    if (input.handle === undefined)
      return { ok: false, detail: 'it is not known which token it is' }
    const ended = await endToken(input, input.handle)
    if (ended.ok) return ended
    // Somebody may have deleted it by hand, and Railway says no more of what is gone than of what it refuses.
    return (await isGone(input, input.handle).catch(() => false)) ? { ok: true } : ended
  },
}

function refuse(why: MintRefusal['why'], detail: string): MintRefusal {
  return { ok: false, why, detail }
}

/** The one that is stated, which must be bound; or the one that is bound. */
function environmentOf({
  parameters,
  narrowing,
}: Pick<MintInput<RailwayParameters>, 'parameters' | 'narrowing'>): string | MintRefusal {
  const bound = new Set(
    narrowing.bindings
      .filter(({ kind }) => kind === 'environment')
      .map(({ id }) => id.toLowerCase()),
  )
  const stated = parameters.environment_id
  if (stated !== undefined)
    return bound.has(stated)
      ? stated
      : refuse('impossible', 'the environment is not bound to environment_id')
  const [only] = bound
  if (only === undefined)
    return refuse('impossible', 'the environment is bound to no environment of Railway')
  return bound.size === 1
    ? only
    : refuse('impossible', 'a token is for one environment; state which (environment_id)')
}

/** As Railway says, and as the parameters may. */
async function projectOf(
  input: MintInput<RailwayParameters>,
  environmentId: string,
): Promise<string | MintRefusal> {
  const query = `query ($id: String!) { environment(id: $id) { projectId } }`
  const said = await ask(input, query, { id: environmentId })
  if (!said.ok) return said.refusal
  const id = textAt(said.data, 'environment', 'projectId')
  if (id === undefined || !new RegExp(`^${uuid}$`).test(id))
    return refuse('unavailable', 'Railway did not say of which project the environment is')
  const stated = input.parameters.project_id
  return stated === undefined || stated === id
    ? id
    : refuse('impossible', 'the environment is of another project than project_id says')
}

type Said =
  | { readonly ok: true; readonly data: Members }
  | { readonly ok: false; readonly refusal: MintRefusal }

type Asker = Pick<MintInput<RailwayParameters>, 'origin' | 'exchange' | 'secret'>

/** One document, with constant text; whatever differs is a variable. */
async function ask(
  { origin, exchange, secret }: Asker,
  query: string,
  variables: Members,
  bearer: Readonly<Record<string, string>> = { authorization: `Bearer ${secret}` },
): Promise<Said> {
  const answer = await exchange({
    origin,
    method: 'POST',
    target: '/graphql/v2',
    headers: {
      ...bearer,
      accept: 'application/json',
      'content-type': 'application/json',
      'user-agent': 'valetkey',
    },
    body: JSON.stringify({ query, variables }),
  })
  const said = membersOf(answer.text)
  const errors = said?.['errors']
  const [first] = Array.isArray(errors) ? (errors as readonly unknown[]) : []
  const words = textAt(first, 'message')
  const data = asMembers(said?.['data'])
  if (answer.status === 200 && errors === undefined && data !== undefined) return { ok: true, data }
  const denied =
    answer.status === 401 || /^(?:not authorized|project token not found)$/i.test(words ?? '')
  // Railway says 200 also to what it refuses.
  const status = answer.status === 200 && words !== undefined ? 400 : answer.status
  const hidden = [secret, ...Object.values(bearer)]
  const refusal = refusalOf('Railway', { ...answer, status }, words, hidden)
  return { ok: false, refusal: denied ? { ...refusal, why: 'rejected' } : refusal }
}

function itself(asker: Asker, token: string): Promise<Said> {
  const query = `query { projectToken { id projectId environmentId } }`
  return ask(asker, query, {}, { 'project-access-token': token })
}

/** The token as it speaks for itself; one that nobody could revoke, or that is for something else, is not handed on. */
async function claimed(
  input: MintInput<RailwayParameters>,
  made: {
    readonly token: string
    readonly expiresAt: number
    readonly environmentId: string
    readonly projectId: string
  },
): Promise<Minted> {
  const { token, expiresAt } = made
  const said = await itself(input, token)
  const own = said.ok ? asMembers(said.data['projectToken']) : undefined
  const handle = textAt(own, 'id')
  if (handle === undefined || !new RegExp(`^${uuid}$`).test(handle)) {
    await sweep(input, made.projectId, nameUntil(expiresAt)).catch(() => undefined)
    return refuse('unavailable', 'Railway did not say which token it had made')
  }
  if (own?.['environmentId'] !== made.environmentId || own['projectId'] !== made.projectId) {
    const ended = await endToken(input, handle).catch(() => undefined)
    // What may live on is not to be taken for something that never was.
    return refuse(
      ended?.ok === true ? 'impossible' : 'unavailable',
      'Railway answered with a token for another environment',
    )
  }
  return { ok: true, token, expiresAt, handle }
}

async function endToken(asker: Asker, id: string): Promise<Revoked> {
  const query = `mutation ($id: String!) { projectTokenDelete(id: $id) }`
  const said = await ask(asker, query, { id })
  if (!said.ok) return { ok: false, detail: said.refusal.detail }
  return said.data['projectTokenDelete'] === true
    ? { ok: true }
    : { ok: false, detail: 'Railway did not say that the token is deleted' }
}

function nameUntil(moment: number): string {
  return `valetkey until ${new Date(moment).toISOString()}`
}

function untilOf(name: string): number | undefined {
  const [, moment = ''] =
    /^valetkey until (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$/.exec(name) ?? []
  const until = Date.parse(moment)
  return Number.isNaN(until) ? undefined : until
}

type Listed = { readonly id: string; readonly name: string }

/** The tokens of a project, as many as one page of them holds; `whole` where that is all of them. */
async function listOf(
  asker: Asker,
  projectId: string,
): Promise<{ readonly tokens: readonly Listed[]; readonly whole: boolean }> {
  const said = await ask(
    asker,
    `query ($projectId: String!) { projectTokens(projectId: $projectId, first: 100) { edges { node { id name } } pageInfo { hasNextPage } } }`,
    { projectId },
  )
  const list = said.ok ? asMembers(said.data['projectTokens']) : undefined
  const edges = list?.['edges']
  if (!Array.isArray(edges)) return { tokens: [], whole: false }
  const tokens = (edges as readonly unknown[]).map((edge) => ({
    id: textAt(edge, 'node', 'id') ?? '',
    name: textAt(edge, 'node', 'name') ?? '',
  }))
  return { tokens, whole: asMembers(list?.['pageInfo'])?.['hasNextPage'] === false }
}

async function isGone(
  input: MintInput<RailwayParameters> & { readonly token: string },
  id: string,
): Promise<boolean> {
  const environmentId = environmentOf(input)
  if (typeof environmentId !== 'string') return false
  const projectId = await projectOf(input, environmentId)
  if (typeof projectId !== 'string') return false
  const { tokens, whole } = await listOf(input, projectId)
  if (!whole || tokens.some((token) => token.id === id || token.id === '')) return false
  // A list can be short because of who asks, or be that of another project.
  const said = await itself(input, input.token)
  return !said.ok && said.refusal.why === 'rejected'
}

/** Ends tokens that no broker has a use for any more, or those of the name `forgotten`. */
async function sweep(
  input: MintInput<RailwayParameters>,
  projectId: string,
  forgotten?: string,
): Promise<void> {
  const { tokens } = await listOf(input, projectId)
  const over = tokens.filter(({ name }) => {
    if (forgotten !== undefined) return name === forgotten
    const until = untilOf(name)
    return until !== undefined && until + grace < input.now
  })
  for (const { id } of over.slice(0, mostSwept)) await endToken(input, id)
}
