/**
 * Installation tokens of a GitHub App: for the environment's own repositories by name, with permissions that an admin
 * stated, and with those to read alone where nothing but reads will be done. Against an agent that gets hold of one, and
 * against a binding that names a repository of the same name under another owner: what the answer says it is for is held
 * against what was asked, and a token that is for more is ended and not used.
 *
 * Permissions of an organization, of an enterprise or of a person are never asked for: no repository bounds them.
 */
import Type, { type Static } from 'typebox'
import {
  asMembers,
  isToken,
  membersOf,
  momentOf,
  refusalOf,
  textAt,
  type Answer,
  type Members,
} from './answer.ts'
import type { Minted, MintInput, MintKind, MintRefusal } from './kind.ts'
import { complaintAboutKey, readRsaKey, signJwt } from './rsa-key.ts'

const levels = ['read', 'write', 'admin'] as const
type Level = (typeof levels)[number]
type Permissions = Readonly<Record<string, Level>>

/** GitHub's permissions that reach no further than repositories, with what each can be. */
const grantable: Readonly<Record<string, readonly Level[]>> = {
  ...Object.fromEntries(
    `actions administration artifact_metadata attestations checks code_quality codespaces contents
    dependabot_secrets deployments discussions environments issues merge_queues metadata packages
    pages pull_requests repository_custom_properties repository_hooks secret_scanning_alerts secrets
    security_events single_file statuses vulnerability_alerts`
      .split(/\s+/)
      .map((name) => [name, ['read', 'write'] as const]),
  ),
  repository_projects: ['read', 'write', 'admin'],
  workflows: ['write'],
}

const Id = Type.String({ pattern: '^[1-9][0-9]{0,18}$' })
const Parameters = Type.Object(
  {
    app_id: Type.Optional(Id),
    client_id: Type.Optional(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9.]{0,99}$' })),
    installation_id: Id,
    permissions: Type.Optional(
      Type.Object(
        Object.fromEntries(
          Object.entries(grantable).map(([name, values]) => [
            name,
            Type.Optional(Type.Union(values.map((value) => Type.Literal(value)))),
          ]),
        ),
        {
          additionalProperties: false,
          description: 'The most that a token may do; without it, what the installation may.',
        },
      ),
    ),
  },
  { additionalProperties: false },
)
export type GithubAppParameters = Omit<Static<typeof Parameters>, 'permissions'> & {
  readonly permissions?: Permissions
}

/** GitHub takes at most so many repositories of one token. */
const mostRepositories = 500
/** How long a token lives that GitHub mints, in milliseconds, and how far its clock may be from ours. */
const lifetime = 3_600_000
const skew = 300_000

export const githubApp: MintKind<GithubAppParameters> = {
  name: 'github_app',
  providers: ['github'],
  parameters: Parameters,
  multiline: true,
  complaint({ app_id, client_id, permissions }, secret) {
    if ((app_id === undefined) === (client_id === undefined))
      return 'either app_id or client_id is needed, and not both'
    if (permissions !== undefined && Object.keys(permissions).length === 0)
      return 'permissions is empty; leave it out for all that the installation may'
    return complaintAboutKey(secret)
  },
  narrowsToReads: ({ permissions }) =>
    permissions === undefined || Object.keys(lowered(permissions)).length > 0,
  origins: (_, origin) => [origin],
  async mint(input) {
    const { parameters, narrowing, now } = input
    const repositories = repositoriesOf(narrowing.bindings)
    if ('ok' in repositories) return repositories
    const key = readRsaKey(input.secret)
    if (key === undefined) return refuse('impossible', 'the private key cannot be read')
    const seconds = Math.floor(now / 1000)
    // GitHub: issued a minute back for its clock, and no longer than ten minutes.
    const claims = { iss: issuerOf(parameters), iat: seconds - 60, exp: seconds + 540 }
    const jwt = await signJwt(key, claims)
    const cap = await capOf(input, jwt)
    if (cap.refused !== undefined) return cap.refused
    const permissions = narrowing.readOnly ? lowered(cap.permissions) : cap.permissions
    if (Object.keys(permissions).length === 0)
      return refuse('impossible', 'none of its permissions is left that could be asked for')
    const answer = await input.exchange({
      origin: input.origin,
      method: 'POST',
      target: `/app/installations/${parameters.installation_id}/access_tokens`,
      headers: { ...headers(jwt), 'content-type': 'application/json' },
      body: JSON.stringify({ repositories: repositories.names, permissions }),
    })
    if (answer.status !== 201) return refused(answer, jwt)
    return minted(input, answer, repositories.full, permissions)
  },
  async revoke({ origin, exchange, token }) {
    const answer = await exchange({
      origin,
      method: 'DELETE',
      target: '/installation/token',
      headers: headers(token),
    })
    // 401: it is no token any more.
    if (answer.status === 204 || answer.status === 401) return { ok: true }
    return { ok: false, detail: refused(answer, token).detail }
  },
}

function refuse(why: MintRefusal['why'], detail: string): MintRefusal {
  return { ok: false, why, detail }
}

function refused(answer: Answer, bearer: string): MintRefusal {
  return refusalOf('GitHub', answer, textAt(membersOf(answer.text), 'message'), [bearer])
}

function issuerOf({ app_id, client_id }: GithubAppParameters): string {
  const issuer = client_id ?? app_id
  if (issuer === undefined) throw new Error('neither app_id nor client_id')
  return issuer
}

function headers(bearer: string): Record<string, string> {
  return {
    accept: 'application/vnd.github+json',
    authorization: `Bearer ${bearer}`,
    'user-agent': 'valetkey',
    'x-github-api-version': '2022-11-28',
  }
}

/**
 * The environment's repositories: `names` as GitHub is asked, which takes them for those of the installation's own account,
 * and `full`, with their owner and in lower case, as its answer is held against them.
 */
function repositoriesOf(
  bindings: MintInput<never>['narrowing']['bindings'],
): MintRefusal | { readonly names: readonly string[]; readonly full: ReadonlySet<string> } {
  const full = new Map(
    bindings.filter(({ kind }) => kind === 'repository').map(({ id }) => [id.toLowerCase(), id]),
  )
  if (full.size === 0)
    return refuse('impossible', 'the environment is bound to no repository of GitHub')
  if (full.size > mostRepositories)
    return refuse('impossible', `a token is for at most ${String(mostRepositories)} repositories`)
  const owners = new Set<string>()
  const names: string[] = []
  for (const id of full.values()) {
    const [owner = '', name = '', ...rest] = id.split('/')
    if (owner === '' || name === '' || rest.length > 0)
      return refuse('impossible', 'a repository that the environment is bound to is not owner/name')
    owners.add(owner.toLowerCase())
    names.push(name)
  }
  if (owners.size > 1)
    return refuse(
      'impossible',
      'the repositories of the environment are of several owners, and an installation is of one',
    )
  return { names, full: new Set(full.keys()) }
}

/** What of them can be had for reading alone. */
function lowered(permissions: Permissions): Permissions {
  const readable = Object.keys(permissions).filter((name) => grantable[name]?.includes('read'))
  return Object.fromEntries(readable.map((name) => [name, 'read' as const]))
}

/** The most that may be asked for: what the admin stated, or else all of the installation's that is about repositories. */
async function capOf(
  { parameters, origin, exchange }: MintInput<GithubAppParameters>,
  jwt: string,
): Promise<
  | { readonly permissions: Permissions; readonly refused?: never }
  | { readonly refused: MintRefusal }
> {
  const stated = parameters.permissions
  if (stated !== undefined) return { permissions: stated }
  const answer = await exchange({
    origin,
    method: 'GET',
    target: `/app/installations/${parameters.installation_id}`,
    headers: headers(jwt),
  })
  if (answer.status !== 200) return { refused: refused(answer, jwt) }
  const own = asMembers(membersOf(answer.text)?.['permissions'])
  if (own === undefined)
    return { refused: refuse('unavailable', 'GitHub did not say what the installation may do') }
  const permissions: Record<string, Level> = {}
  for (const [name, level] of Object.entries(own))
    if (Object.hasOwn(grantable, name) && isLevel(level)) permissions[name] = level
  return { permissions }
}

function isLevel(value: unknown): value is Level {
  return (levels as readonly unknown[]).includes(value)
}

async function minted(
  input: MintInput<GithubAppParameters>,
  answer: Answer,
  repositories: ReadonlySet<string>,
  permissions: Permissions,
): Promise<Minted> {
  const said = membersOf(answer.text)
  const token = said?.['token']
  if (said === undefined || !isToken(token))
    return refuse('unavailable', 'GitHub answered 201 without a token that could be read')
  const expiresAt = momentOf(said['expires_at'])
  const wider = widerThan(said, repositories, permissions)
  const { now } = input
  const timely = expiresAt !== undefined && expiresAt > now && expiresAt <= now + lifetime + skew
  if (wider === undefined && timely) return { ok: true, token, expiresAt }
  // It is good for an hour, and nobody will hold it.
  await githubApp.revoke?.({ ...input, token }).catch(() => undefined)
  return wider === undefined
    ? refuse('unavailable', 'GitHub answered with a token that is over already, or for too long')
    : refuse('impossible', `GitHub answered with a token for more than was asked: ${wider}`)
}

/** In what it is more than was asked, as far as can be told; undefined where it is not. Silence is more. */
function widerThan(
  said: Members,
  repositories: ReadonlySet<string>,
  permissions: Permissions,
): string | undefined {
  if (said['repository_selection'] !== 'selected') return 'it is not for selected repositories'
  const own = said['repositories']
  if (!Array.isArray(own)) return 'it does not say for which repositories'
  for (const each of own as readonly unknown[]) {
    const name = textAt(each, 'full_name')
    if (name === undefined || !repositories.has(name.toLowerCase())) return 'another repository'
  }
  const granted = asMembers(said['permissions'])
  if (granted === undefined) return 'it does not say with which permissions'
  for (const [name, level] of Object.entries(granted)) {
    // Every token reads the metadata of its repositories, asked or not.
    const most =
      (Object.hasOwn(permissions, name) ? permissions[name] : undefined) ??
      (name === 'metadata' ? 'read' : undefined)
    if (most === undefined || !isLevel(level) || levels.indexOf(level) > levels.indexOf(most))
      return 'another permission'
  }
  return undefined
}
