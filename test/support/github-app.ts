/**
 * A GitHub App and its one installation, as strict as GitHub is about them: the App speaks by a JWT of at most ten minutes
 * that its own key signed, a token is for repositories that the installation has and permissions that it was given, and does
 * nothing else.
 */
import { createPublicKey, randomBytes, verify } from 'node:crypto'

export type AppOptions = {
  /** PEM. */
  readonly privateKey: string
  readonly appId: string
  readonly clientId: string
  readonly installationId: string
  /** The owner of all that it is installed on. */
  readonly account: string
  readonly permissions: Readonly<Record<string, string>>
}

export type InstallationToken = {
  readonly token: string
  /** `owner/name`, in lower case. */
  readonly repositories: ReadonlySet<string>
  readonly permissions: Readonly<Record<string, string>>
  readonly expiresAt: number
}

type Asked = { readonly method: string; readonly target: string; readonly body: Buffer }
type Answered = { readonly status: number; readonly json?: unknown }

export type GithubApp = {
  readonly tokens: Map<string, InstallationToken>
  /** How often the App itself was let in. */
  readonly assertions: string[]
  /** Undefined where it is no route of an App. */
  answer(request: Asked, bearer: string, repositories: readonly Repository[]): Answered | undefined
  /** Undefined where the token may do this. */
  refusal(request: Asked, token: InstallationToken): Answered | undefined
}

type Repository = { readonly id: number; readonly name: string }

const message = (status: number, text: string): Answered => ({ status, json: { message: text } })

/** What a request below `/repos/o/r` takes. */
function needed(method: string, below: string): readonly [name: string, level: string] {
  const level = method === 'GET' || method === 'HEAD' ? 'read' : 'write'
  if (below === '') return [level === 'read' ? 'metadata' : 'administration', level]
  return [/^(?:issues|contents)/.exec(below)?.[0] ?? 'contents', level]
}

export function githubApp(options: AppOptions): GithubApp {
  const key = createPublicKey(options.privateKey)
  const tokens = new Map<string, InstallationToken>()
  const assertions: string[] = []

  function complaint(jwt: string): string | undefined {
    const [header = '', payload = '', signature = '', ...rest] = jwt.split('.')
    const json = (part: string) =>
      JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
    try {
      if (rest.length > 0 || json(header)['alg'] !== 'RS256')
        return 'A JSON web token could not be decoded'
    } catch {
      return 'A JSON web token could not be decoded'
    }
    const signed = Buffer.from(`${header}.${payload}`)
    if (!verify('sha256', signed, key, Buffer.from(signature, 'base64url')))
      return 'A JSON web token could not be decoded'
    const { iss, iat, exp } = json(payload)
    const now = Date.now() / 1000
    if (iss !== options.appId && iss !== options.clientId) return 'Integration not found'
    if (typeof iat !== 'number' || iat > now) return "'Issued at' claim ('iat') must be in the past"
    if (typeof exp !== 'number' || exp < now || exp > now + 600 || exp - iat > 600)
      return "'Expiration time' claim ('exp') is too far in the future"
    return undefined
  }

  function mint(body: Buffer, all: readonly Repository[]): Answered {
    const asked = JSON.parse(body.length === 0 ? '{}' : body.toString()) as {
      readonly repositories?: readonly string[]
      readonly repository_ids?: readonly number[]
      readonly permissions?: Readonly<Record<string, string>>
    }
    const installed = all.filter(({ name }) => name.startsWith(`${options.account}/`))
    const chosen = (asked.repositories ?? []).map((name) =>
      installed.find(
        (one) => one.name.toLowerCase() === `${options.account}/${name}`.toLowerCase(),
      ),
    )
    if (chosen.includes(undefined))
      return message(
        422,
        'There is at least one repository that does not exist or is not accessible',
      )
    const repositories = asked.repositories === undefined ? installed : (chosen as Repository[])
    const levels = ['read', 'write', 'admin']
    for (const [name, level] of Object.entries(asked.permissions ?? {}))
      if (levels.indexOf(level) > levels.indexOf(options.permissions[name] ?? ''))
        return message(422, 'The permissions requested are not granted to this installation.')
    const permissions = { metadata: 'read', ...(asked.permissions ?? options.permissions) }
    const token = `ghs_${randomBytes(27).toString('base64url')}`
    const expiresAt = Math.floor(Date.now() / 1000) * 1000 + 3_600_000
    const names = new Set(repositories.map(({ name }) => name.toLowerCase()))
    tokens.set(token, { token, repositories: names, permissions, expiresAt })
    return {
      status: 201,
      json: {
        token,
        expires_at: new Date(expiresAt).toISOString().replace('.000', ''),
        permissions,
        repository_selection: asked.repositories === undefined ? 'all' : 'selected',
        ...(asked.repositories === undefined
          ? {}
          : { repositories: repositories.map(({ id, name }) => ({ id, full_name: name })) }),
      },
    }
  }

  return {
    tokens,
    assertions,
    answer({ method, target, body }, bearer, repositories) {
      const route = `${method} ${target}`
      if (route === 'DELETE /installation/token') {
        if (tokens.delete(bearer)) return { status: 204 }
        return message(401, 'Bad credentials')
      }
      const [, id, rest] = /^\/app\/installations\/([^/]+)(\/access_tokens)?$/.exec(target) ?? []
      if (id === undefined) return undefined
      const wrong = complaint(bearer)
      if (wrong !== undefined) return message(401, wrong)
      assertions.push(bearer)
      if (id !== options.installationId) return message(404, 'Not Found')
      if (method === 'GET' && rest === undefined)
        return {
          status: 200,
          json: {
            id: Number(id),
            account: { login: options.account },
            permissions: options.permissions,
          },
        }
      return method === 'POST' && rest !== undefined
        ? mint(body, repositories)
        : message(404, 'Not Found')
    },
    refusal({ method, target }, { repositories, permissions, expiresAt }) {
      if (expiresAt <= Date.now()) return message(401, 'Bad credentials')
      const [, name = '', below = ''] = /^\/repos\/([^/?]+\/[^/?]+)\/?([^?]*)/.exec(target) ?? []
      if (name === '') return undefined
      if (!repositories.has(name.toLowerCase())) return message(404, 'Not Found')
      const [permission, level] = needed(method, below)
      const has = permissions[permission]
      return has === 'write' || has === level
        ? undefined
        : message(403, 'Resource not accessible by integration')
    },
  }
}
