/** The places where an agent's text comes in, each as a request that carries it there. */
import { send, type Exchange } from './wire.ts'
import { named, type Wanted, type World } from './world.ts'

export type Placed = {
  readonly sent: Buffer
  readonly exchanges: readonly Exchange[]
}

export type Place = (world: World, text: string) => Promise<Placed>

const readOnly = named['readonly_staging']
const github = named['gh_readonly_staging']
const variables: Wanted = { provider: 'railway', verbs: ['variableUpsert'], place: 'staging' }

export const places: Readonly<Record<string, Place>> = {
  resource_name: (world, text) =>
    graphql(world, readOnly, 'query E($id: String!) { environment(id: $id) { id } }', { id: text }),
  variable_name: (world, text) => upsert(world, text, 'value'),
  variable_value: (world, text) => upsert(world, 'NAME', text),
  graphql_operation_name_or_alias: (world, text) =>
    graphql(world, readOnly, `query { ${text}: environment(id: "${staging(world)}") { id } }`),
  graphql_comment: (world, text) =>
    graphql(world, readOnly, `# ${text}\nquery { environment(id: "${staging(world)}") { id } }`),
  rest_path_segment: (world, text) => contents(world, percentEncoded(text), ''),
  user_agent: (world, text) => contents(world, 'README.md', `User-Agent: ${text}\r\n`),
}

function staging(world: World): string {
  return world.values['ENV_STAGING'] ?? ''
}

function upsert(world: World, name: string, value: string): Promise<Placed> {
  const input = {
    projectId: world.values['PROJECT_ID'],
    environmentId: staging(world),
    serviceId: world.values['SERVICE_ID'],
    name,
    value,
  }
  const query = 'mutation U($input: VariableUpsertInput!) { variableUpsert(input: $input) }'
  return graphql(world, variables, query, { input })
}

async function graphql(
  world: World,
  wanted: Wanted | undefined,
  query: string,
  variables?: Record<string, unknown>,
): Promise<Placed> {
  const body = JSON.stringify({ query, ...(variables === undefined ? {} : { variables }) })
  const fields = `Content-Type: application/json\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\n`
  return request(world, wanted, `POST ${world.values['GQL_PATH'] ?? ''}`, fields, body)
}

function contents(world: World, path: string, fields: string): Promise<Placed> {
  const { GH_PREFIX: prefix = '', GH_OWNER: owner = '', GH_REPO_STAGING: repo = '' } = world.values
  return request(world, github, `GET ${prefix}/repos/${owner}/${repo}/contents/${path}`, fields, '')
}

async function request(
  world: World,
  wanted: Wanted | undefined,
  line: string,
  fields: string,
  body: string,
): Promise<Placed> {
  const held = wanted === undefined ? undefined : await world.capability(wanted)
  if (held === undefined || 'refused' in held) throw new Error('there is no such capability')
  const host = world.values['PROXY_HOST'] ?? ''
  const sent = Buffer.from(
    `${line} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${held.token}\r\n${fields}\r\n${body}`,
    'utf8',
  )
  const exchange = await send(world.brokers.first.port, [sent], { answers: 1, idle: 5_000 })
  return { sent, exchanges: [exchange] }
}

/** Also half a surrogate pair, which `encodeURIComponent` has no bytes for, as the bytes it would have. */
function percentEncoded(text: string): string {
  return Array.from(text, (character) => {
    if (character.isWellFormed()) return encodeURIComponent(character)
    const point = character.charCodeAt(0)
    return [0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f)]
      .map((byte) => `%${byte.toString(16).toUpperCase()}`)
      .join('')
  }).join('')
}
