/**
 * GitHub, as far as the tests need it: a server on loopback with the routes, the shapes and the answers of the real
 * one for a few repositories, and a record of every request that reached it. Which requests do is what is tested, so it
 * answers whatever it is asked, also what the broker should never have sent.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { githubApp, type AppOptions, type GithubApp } from './github-app.ts'

export type StandInRequest = {
  /** `GET /repos/acme/app HTTP/1.1`, as it came. */
  readonly line: string
  readonly method: string
  readonly target: string
  /** Name, value, name, value …, as they came. */
  readonly rawHeaders: readonly string[]
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Buffer
}

export type StandInOptions = {
  /** The one token that it accepts. */
  readonly token: string
  /** `installation` tokens list their repositories completely; a person's do not. */
  readonly tokenOf?: 'installation' | 'person'
  /** `owner/name`, with GitHub's own id for it. */
  readonly repositories?: Readonly<Record<string, number>>
  /** An App whose tokens it accepts besides, for what they are for. */
  readonly app?: AppOptions
}

export type GithubStandIn = {
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string
  /** In the order of their arrival, those without a valid token included. */
  readonly requests: StandInRequest[]
  readonly app: GithubApp | undefined
  /** Renames a repository, as GitHub does: the old name answers with a redirect from then on. */
  readonly rename: (from: string, to: string) => void
  close(): Promise<void>
}

type Answer = {
  readonly status: number
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

type Repository = { readonly id: number; name: string; readonly issues: Record<string, unknown>[] }

const defaults = { 'acme/app-staging': 700_000_001, 'acme/app-prod': 700_000_002 }

export async function startGithubStandIn(options: StandInOptions): Promise<GithubStandIn> {
  const requests: StandInRequest[] = []
  const world = newWorld(options)
  const app = options.app === undefined ? undefined : githubApp(options.app)
  async function respond(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await read(incoming).catch(() => undefined)
    // Whoever asked went away in the middle of the body: there is no request, and nobody to answer.
    if (request === undefined) return
    requests.push(request)
    const { status, json, headers } = answer(request, options, world, app)
    const body = json === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(json))
    response.writeHead(status, {
      ...(json === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      ...(status === 204 ? {} : { 'content-length': String(body.length) }),
      'x-github-request-id': `STAND:${requests.length}`,
      'x-ratelimit-remaining': '4999',
      ...headers,
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
  const server = createServer((incoming, response) => {
    void respond(incoming, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    app,
    rename: world.rename,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function read(incoming: IncomingMessage): Promise<StandInRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const { method = '', url = '', httpVersion, rawHeaders, headers } = incoming
  const line = `${method} ${url} HTTP/${httpVersion}`
  return { line, method, target: url, rawHeaders, headers, body: Buffer.concat(chunks) }
}

type World = {
  readonly repositories: Map<string, Repository>
  readonly moved: Map<string, Repository>
  readonly rename: (from: string, to: string) => void
}

function newWorld(options: StandInOptions): World {
  const repositories = new Map<string, Repository>()
  const moved = new Map<string, Repository>()
  for (const [name, id] of Object.entries(options.repositories ?? defaults)) {
    const issues = [issue(name, 1, { title: 'It does not start' })]
    repositories.set(name.toLowerCase(), { id, name, issues })
  }
  return {
    repositories,
    moved,
    rename(from, to) {
      const repository = repositories.get(from.toLowerCase())
      if (repository === undefined) throw new Error(`no such repository: ${from}`)
      repositories.delete(from.toLowerCase())
      moved.set(from.toLowerCase(), repository)
      repository.name = to
      repositories.set(to.toLowerCase(), repository)
    },
  }
}

function answer(
  request: StandInRequest,
  options: StandInOptions,
  world: World,
  app: GithubApp | undefined,
): Answer {
  const given = request.headers['authorization']
  const token = typeof given === 'string' ? /^(?:bearer|token) (.+)$/i.exec(given)?.[1] : undefined
  const known = [...world.repositories.values()]
  const ofApp = app?.answer(request, token ?? '', known)
  if (ofApp !== undefined) return ofApp
  const minted = app?.tokens.get(token ?? '')
  if (minted === undefined && token !== options.token)
    return { status: 401, json: message('Bad credentials') }
  const refused = minted === undefined ? undefined : app?.refusal(request, minted)
  if (refused !== undefined) return refused
  const [path = ''] = request.target.split('?')
  const segments = path.slice(1).split('/').map(decode)
  const all = known.filter(
    ({ name }) => minted === undefined || minted.repositories.has(name.toLowerCase()),
  )
  const method = request.method === 'HEAD' ? 'GET' : request.method
  if (method === 'GET' && path === '/installation/repositories') {
    if (options.tokenOf !== 'installation' && minted === undefined)
      return { status: 403, json: message('Must authenticate with an installation access token') }
    return { status: 200, json: { total_count: all.length, repositories: all.map(full) } }
  }
  if (method === 'GET' && path === '/user/repos') return { status: 200, json: all.map(full) }
  if (method === 'GET' && path === '/user')
    return { status: 200, json: { login: 'octocat', id: 1, type: 'User' } }
  if (segments[0] === 'repositories' && segments.length === 2) {
    const found = all.find(({ id }) => String(id) === segments[1])
    return found === undefined ? notFound : { status: 200, json: full(found) }
  }
  if (segments[0] !== 'repos' || segments.length < 3) return { status: 200, json: {} }
  const name = `${segments[1]}/${segments[2]}`.toLowerCase()
  const gone = world.repositories.has(name) ? undefined : world.moved.get(name)
  if (gone !== undefined) {
    const location = path.replace(/^\/repos\/[^/]+\/[^/]+/, `/repositories/${gone.id}`)
    const json = { ...message('Moved Permanently'), url: location }
    return { status: method === 'GET' ? 301 : 307, json, headers: { location } }
  }
  const repository = world.repositories.get(name)
  if (repository === undefined) return notFound
  return answerRepository(repository, method, segments.slice(3), request, world)
}

function answerRepository(
  repository: Repository,
  method: string,
  segments: readonly string[],
  request: StandInRequest,
  world: World,
): Answer {
  const [first, second] = segments
  const route = `${method} ${first ?? ''}`
  switch (route) {
    case 'GET ':
      return { status: 200, json: full(repository) }
    case 'PATCH ':
      return { status: 200, json: { ...full(repository), ...json(request) } }
    case 'DELETE ':
      world.repositories.delete(repository.name.toLowerCase())
      return { status: 204 }
    case 'GET issues':
      if (second === undefined) return { status: 200, json: repository.issues }
      return found(repository.issues.find((one) => String(one['number']) === second))
    case 'POST issues': {
      if (segments.length > 1) return { status: 201, json: {} }
      const made = issue(repository.name, repository.issues.length + 1, json(request))
      repository.issues.push(made)
      return { status: 201, json: made }
    }
    case 'GET contents':
      return { status: 200, json: contents(repository.name, segments.slice(1).join('/')) }
    case 'GET branches': {
      const branches = ['main', 'feature/login'].map(branch)
      if (second === undefined) return { status: 200, json: branches }
      return found(branches.find((one) => one.name === segments.slice(1).join('/')))
    }
    case 'GET commits':
      return { status: 200, json: second === undefined ? [commit()] : commit() }
    default:
      return { status: 200, json: {} }
  }
}

/** Once; what is not percent-encoded UTF-8 stays as it is. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

const notFound: Answer = { status: 404, json: message('Not Found') }

function message(text: string): Record<string, unknown> {
  return { message: text, documentation_url: 'https://docs.github.com/rest', status: text }
}

function found(json: unknown): Answer {
  return json === undefined ? notFound : { status: 200, json }
}

function json(request: StandInRequest): Record<string, unknown> {
  try {
    return JSON.parse(request.body.toString()) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** What GitHub adds to a private repository for whoever administers it. */
export const cloneToken = 'AB3CD5EF7GH9JK2LM4NP6QR8'

function full({ id, name }: Repository): Record<string, unknown> {
  const [owner = '', repo = ''] = name.split('/')
  return {
    id,
    node_id: `R_${id}`,
    name: repo,
    full_name: name,
    private: true,
    owner: { login: owner, id: 9, type: 'Organization' },
    html_url: `https://github.com/${name}`,
    default_branch: 'main',
    archived: false,
    visibility: 'private',
    temp_clone_token: cloneToken,
    permissions: { admin: true, push: true, pull: true },
  }
}

function issue(
  name: string,
  number: number,
  fields: Record<string, unknown>,
): Record<string, unknown> {
  return {
    id: 5000 + number,
    number,
    state: 'open',
    url: `https://api.github.com/repos/${name}/issues/${number}`,
    labels: [],
    ...fields,
  }
}

function contents(name: string, path: string): Record<string, unknown> {
  return {
    type: 'file',
    encoding: 'base64',
    path,
    name: path.split('/').at(-1),
    sha: '95b966ae1c166bd92f8ae7d1c313e738c731dfc3',
    content: Buffer.from(`# ${name}\n`).toString('base64'),
  }
}

function branch(name: string) {
  return { name, commit: { sha: commit().sha }, protected: name === 'main' }
}

function commit() {
  return {
    sha: '6dcb09b5b57875f334f61aebed695e2e4193db5e',
    commit: {
      message: 'Fix all the bugs',
      author: { name: 'Monalisa', date: '2026-04-14T16:00:49Z' },
    },
    parents: [],
  }
}
