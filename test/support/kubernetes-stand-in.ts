/**
 * A Kubernetes API server, as far as kubectl needs one: discovery, tables, and the objects of two namespaces. It records
 * every request that reached it; which do is what is tested, so it does whatever it is asked.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serviceAccounts, type AccountRoles, type ServiceAccounts } from './service-accounts.ts'

export type KubernetesRequest = {
  /** `DELETE /api/v1/namespaces/staging/pods/web-1`, as it came. */
  readonly line: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
}

export type KubernetesStandIn = {
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string
  readonly requests: KubernetesRequest[]
  /** `<namespace>/<plural>/<name>`, with its object. */
  readonly objects: Map<string, Record<string, unknown>>
  readonly accounts: ServiceAccounts
  close(): Promise<void>
}

type Kind = { readonly name: string; readonly kind: string; readonly shortNames?: string[] }

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const core: readonly Kind[] = [
  { name: 'pods', kind: 'Pod', shortNames: ['po'] },
  { name: 'configmaps', kind: 'ConfigMap', shortNames: ['cm'] },
  { name: 'secrets', kind: 'Secret' },
]
const apps: readonly Kind[] = [{ name: 'deployments', kind: 'Deployment', shortNames: ['deploy'] }]

/** `token` may do everything, and make tokens of the accounts in `roles` too. */
export async function startKubernetesStandIn(
  token: string,
  roles: AccountRoles = {},
): Promise<KubernetesStandIn> {
  const requests: KubernetesRequest[] = []
  const accounts = serviceAccounts(roles)
  const objects = new Map<string, Record<string, unknown>>()
  for (const namespace of ['staging', 'production']) {
    objects.set(`${namespace}/pods/web-1`, pod(namespace, 'web-1'))
    objects.set(`${namespace}/deployments/web`, deployment(namespace, 'web'))
    objects.set(`${namespace}/secrets/database`, secret(namespace))
  }

  async function respond(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const { method = '', url = '', headers } = incoming
    requests.push({ line: `${method} ${url}`, headers, body })
    const { pathname } = new URL(url, 'http://stand-in')
    const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
    const code = bearer === token ? 200 : accounts.codeFor(bearer, method, pathname)
    if (code === 401) return send(response, 401, failure(401, 'Unauthorized', 'Unauthorized'))
    if (code === 403) return send(response, 403, failure(403, 'Forbidden', `${method} ${pathname}`))
    const made = accounts.request(method, pathname, body)
    if (made !== undefined)
      return send(
        response,
        made.code,
        made.code === 201 ? made.json : failure(made.code, made.reason, made.message),
      )
    const found = discovery(pathname) ?? answer(method, pathname, body, headers.accept ?? '')
    if (found === undefined)
      return send(response, 404, failure(404, 'NotFound', `nothing at ${pathname}`))
    if (typeof found === 'string') {
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.end(found)
      return
    }
    send(response, method === 'POST' ? 201 : 200, found)
  }

  function answer(method: string, path: string, body: string, accept: string): unknown {
    const match =
      /^\/(?:api\/v1|apis\/apps\/v1)\/namespaces\/([^/]+)\/([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(
        path,
      )
    if (match === null) return path === '/api/v1/namespaces' ? namespaces() : undefined
    const [, namespace = '', plural = '', name, subresource] = match
    const at = `${namespace}/${plural}/`
    if (name === undefined) {
      const items = [...objects].filter(([key]) => key.startsWith(at)).map(([, value]) => value)
      if (method === 'GET') return accept.includes('as=Table') ? table(items) : list(plural, items)
      const made = JSON.parse(body) as { metadata: { name: string } }
      objects.set(`${at}${made.metadata.name}`, made)
      return made
    }
    const object = objects.get(`${at}${name}`)
    if (subresource === 'log') return `${name}: started\n`
    if (method === 'DELETE') {
      objects.delete(`${at}${name}`)
      return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' }
    }
    if (method === 'PATCH' || method === 'PUT') {
      const change = JSON.parse(body) as Record<string, unknown>
      const next = { ...object, ...change }
      if (subresource === undefined) objects.set(`${at}${name}`, next)
      return subresource === 'scale' ? scale(namespace, name) : next
    }
    if (object === undefined) return undefined
    return accept.includes('as=Table') ? table([object]) : object
  }

  const server = createServer((incoming, response) => {
    respond(incoming, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${String(port)}`,
    requests,
    objects,
    accounts,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function send(response: ServerResponse, status: number, json: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(json))
}

function failure(code: number, reason: string, message: string): unknown {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    code,
  }
}

function discovery(path: string): unknown {
  const group = { groupVersion: 'apps/v1', version: 'v1' }
  switch (path) {
    case '/version':
      return { major: '1', minor: '32', gitVersion: 'v1.32.0', platform: 'linux/amd64' }
    case '/api':
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
    case '/apis':
      return {
        kind: 'APIGroupList',
        apiVersion: 'v1',
        groups: [{ name: 'apps', versions: [group], preferredVersion: group }],
      }
    case '/api/v1':
      return resources('v1', core, [
        { name: 'pods/log', namespaced: true, kind: 'Pod', verbs: ['get'] },
        { name: 'pods/exec', namespaced: true, kind: 'PodExecOptions', verbs: ['create', 'get'] },
      ])
    case '/apis/apps/v1':
      return resources('apps/v1', apps, [
        {
          name: 'deployments/scale',
          namespaced: true,
          group: 'autoscaling',
          version: 'v1',
          kind: 'Scale',
          verbs: ['get', 'patch', 'update'],
        },
      ])
  }
  return undefined
}

function resources(
  groupVersion: string,
  kinds: readonly Kind[],
  more: readonly unknown[],
): unknown {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: [
      ...kinds.map((one) => ({
        ...one,
        singularName: one.kind.toLowerCase(),
        namespaced: true,
        verbs,
      })),
      ...more,
    ],
  }
}

function metadata(namespace: string, name: string): Record<string, unknown> {
  return { name, namespace, uid: `${namespace}-${name}`, resourceVersion: '7' }
}

function pod(namespace: string, name: string): Record<string, unknown> {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: metadata(namespace, name),
    spec: { containers: [{ name: 'app', image: 'registry.example/web:1' }] },
    status: { phase: 'Running' },
  }
}

function deployment(namespace: string, name: string): Record<string, unknown> {
  return {
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    metadata: metadata(namespace, name),
    spec: { replicas: 2 },
  }
}

function secret(namespace: string): Record<string, unknown> {
  return {
    kind: 'Secret',
    apiVersion: 'v1',
    metadata: metadata(namespace, 'database'),
    data: { password: Buffer.from(`${namespace} password`).toString('base64') },
  }
}

function scale(namespace: string, name: string): unknown {
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: metadata(namespace, name),
    spec: { replicas: 2 },
  }
}

function namespaces(): unknown {
  const items = ['staging', 'production'].map((name) => ({ metadata: { name } }))
  return { kind: 'NamespaceList', apiVersion: 'v1', metadata: {}, items }
}

function list(plural: string, items: readonly unknown[]): unknown {
  const kind = [...core, ...apps].find(({ name }) => name === plural)?.kind ?? ''
  const apiVersion = plural === 'deployments' ? 'apps/v1' : 'v1'
  return { kind: `${kind}List`, apiVersion, metadata: { resourceVersion: '7' }, items }
}

function table(items: readonly Record<string, unknown>[]): unknown {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: '7' },
    columnDefinitions: [
      { name: 'Name', type: 'string', format: 'name', description: '', priority: 0 },
      { name: 'Status', type: 'string', format: '', description: '', priority: 0 },
    ],
    rows: items.map((object) => ({
      cells: [(object['metadata'] as { name: string }).name, 'Running'],
      object: {
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: object['metadata'],
      },
    })),
  }
}
