/**
 * An agent whose grant hands out installation tokens of a GitHub App, made through the API as an admin would; and between
 * the broker and GitHub a wire on which a test can answer in GitHub's place, or keep a request waiting.
 */
import type { TestContext } from 'node:test'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openTestBroker, type TestBroker, type TestBrokerOptions } from './broker.ts'
import { startGithubStandIn, type GithubStandIn } from './github-stand-in.ts'
import { rsaKey } from './minting.ts'
import { sendOn } from './send-on.ts'
import { answerOf, grantOn, type Answer, type Granted } from './world.ts'

export type Passing = { readonly method: string; readonly target: string }
/** What is answered in GitHub's place; undefined lets it pass. */
export type Meddling = (
  request: Passing,
) => { status: number; json?: unknown } | undefined | Promise<undefined | { status: number }>

export type FickleGithub = {
  readonly origin: string
  readonly github: GithubStandIn
  /** Those that work at GitHub now. */
  readonly tokens: () => readonly string[]
  meddle(meddling: Meddling | undefined): void
  close(): Promise<void>
}

export const appPermissions = { contents: 'write', issues: 'write', metadata: 'read' } as const

export async function openFickleGithub(): Promise<FickleGithub> {
  const github = await startGithubStandIn({
    token: 'ghp_nobody',
    app: {
      privateKey: rsaKey().pkcs1,
      appId: '4711',
      clientId: 'Iv23lileases',
      installationId: '12345',
      account: 'acme',
      permissions: appPermissions,
    },
  })
  let meddling: Meddling | undefined
  const server = createServer((incoming, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk as Buffer)
      const { method = '', url = '', headers } = incoming
      const instead = await meddling?.({ method, target: url })
      if (instead !== undefined) {
        const json = 'json' in instead ? instead.json : { message: 'not now' }
        response.writeHead(instead.status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(json))
        return
      }
      const request = { method, target: url, headers, body: Buffer.concat(chunks) }
      const answer = await sendOn(github.origin, request)
      const body = Buffer.from(await answer.arrayBuffer())
      response.writeHead(answer.status, { 'content-type': 'application/json' })
      response.end(body)
    })().catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${String(port)}`,
    github,
    tokens: () => [...(github.app?.tokens.keys() ?? [])],
    meddle(next) {
      meddling = next
    },
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      await github.close()
    },
  }
}

export type Leasing = Granted

export type LeasingWish = {
  readonly grant?: Record<string, unknown>
  readonly protected?: boolean
  /** The App's permissions; those that are plain by default. */
  readonly permissions?: Record<string, string>
}

/** What is needed of a broker: a process of its own does too. */
type Operated = Pick<TestBroker, 'url' | 'api'>

export function leasingOn(broker: Operated, wish: LeasingWish = {}): Promise<Leasing> {
  return grantOn(broker, {
    provider: 'github',
    protected: wish.protected ?? false,
    bindings: [{ provider: 'github', kind: 'repository', id: 'acme/app-staging' }],
    ...appSecret(wish.permissions),
    grant: { approval: 'never', max_lifetime_seconds: 900, hand_out: true, ...wish.grant },
  })
}

export function appSecret(
  permissions: Record<string, string> = { contents: 'read', issues: 'read' },
) {
  return {
    secret: rsaKey().pkcs1,
    mint: { kind: 'github_app', app_id: '4711', installation_id: '12345', permissions },
  }
}

export type LeaseWorld = {
  readonly fickle: FickleGithub
  readonly broker: TestBroker
  /** Another agent with a grant of its own. */
  readonly leasing: (wish?: LeasingWish) => Promise<Leasing>
  close(): Promise<void>
}

/** `t` closes it when its test ends; `undefined` leaves that to the caller. */
export async function openLeaseWorld(
  t: TestContext | undefined,
  options: TestBrokerOptions = {},
): Promise<LeaseWorld> {
  const fickle = await openFickleGithub()
  const broker = await openTestBroker(undefined, {
    ...options,
    upstreams: { github: fickle.origin },
  }).catch(async (error: unknown) => {
    await fickle.close()
    throw error
  })
  async function close(): Promise<void> {
    await broker.close()
    await fickle.close()
  }
  t?.after(close)
  return { fickle, broker, leasing: (wish) => leasingOn(broker, wish), close }
}

export async function askLease(
  url: string,
  token: string,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  return answerOf(
    await fetch(`${url}/v1/leases`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify(body),
    }),
  )
}

export async function endOwn(url: string, token: string, id: string): Promise<Answer> {
  return answerOf(
    await fetch(`${url}/v1/leases/own/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    }),
  )
}

export type LeaseShown = {
  readonly id: string
  readonly state: string
  readonly end_reason: string | null
  readonly last_error: string | null
  readonly attempts: number
  readonly failing_since: string | null
  readonly next_try_at: string | null
  readonly works_until: string | null
  readonly detail: string
}

export function shownLease(broker: Pick<TestBroker, 'api'>, id: unknown): Promise<LeaseShown> {
  return broker.api<LeaseShown>('GET', `/v1/leases/${String(id)}`)
}
