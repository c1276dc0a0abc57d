/** The requests that the cases send by name. */
import type { World } from './world.ts'

type Probe = (values: Readonly<Record<string, string>>) => {
  readonly line: string
  readonly body?: string
}

const graphql =
  (document: (values: Readonly<Record<string, string>>) => string): Probe =>
  (values) => ({
    line: `POST ${values['GQL_PATH'] ?? ''}`,
    body: JSON.stringify({ query: document(values) }),
  })

export const probes: Readonly<Record<string, Probe>> = {
  in_scope_read: graphql(
    (v) => `query { environment(id: "${v['ENV_STAGING'] ?? ''}") { id name } }`,
  ),
  prod_read: graphql((v) => `query { environment(id: "${v['ENV_PROD'] ?? ''}") { id name } }`),
  volume_delete: graphql(
    (v) => `mutation { volumeDelete(volumeId: "${v['VOLUME_STAGING'] ?? ''}") }`,
  ),
  volume_create: graphql(
    (v) =>
      `mutation { volumeCreate(input: { projectId: "${v['PROJECT_ID'] ?? ''}", environmentId: "${v['ENV_STAGING'] ?? ''}", mountPath: "/data" }) { id } }`,
  ),
  github_read: (v) => ({
    line: `GET ${v['GH_PREFIX'] ?? ''}/repos/${v['GH_OWNER'] ?? ''}/${v['GH_REPO_STAGING'] ?? ''}`,
  }),
  admin_list_secrets: () => ({ line: 'GET /v1/credentials' }),
  approve_own_request: () => ({
    line: 'POST /v1/approvals/apr_00000000000000000000000000/approve',
    body: '{}',
  }),
}

export function probeBytes(world: World, name: string, token: string, port?: number): Buffer {
  const { line, body } = probes[name]?.(world.values) ?? { line: 'GET /' }
  const head = [
    `${line} HTTP/1.1`,
    `Host: 127.0.0.1:${String(port ?? world.brokers.first.port)}`,
    `Authorization: Bearer ${token}`,
    ...(body === undefined
      ? []
      : ['Content-Type: application/json', `Content-Length: ${String(Buffer.byteLength(body))}`]),
  ].join('\r\n')
  return Buffer.from(`${head}\r\n\r\n${body ?? ''}`, 'latin1')
}
