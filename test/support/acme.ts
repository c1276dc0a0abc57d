/** An operator's own provider: its description, its manifest, its review, and a stand-in for it on loopback. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { ImportedManifest } from '../../src/provider/imported/manifest.ts'
import type { ImportedReview } from '../../src/provider/imported/review.ts'

export const acmeOrigin = 'https://api.acme.example'

const parameter = (name: string, place: 'path' | 'query' = 'path') => ({
  name,
  in: place,
  required: place === 'path',
  schema: { type: 'string' },
})

/** `more`: paths beside its own. */
export function acmeDescription(more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    openapi: '3.1.0',
    info: { title: 'Acme', version: '1' },
    servers: [{ url: 'https://api.acme.example/v1' }],
    paths: {
      '/projects/{project}/servers': {
        get: { operationId: 'servers/list', parameters: [parameter('project')], responses: {} },
        post: {
          operationId: 'servers/create',
          parameters: [parameter('project')],
          requestBody: {
            content: {
              'application/json': {
                schema: { properties: { name: { type: 'string' }, replicas: { type: 'integer' } } },
              },
            },
          },
          responses: {},
        },
      },
      '/servers/{server}': {
        get: { operationId: 'servers/get', parameters: [parameter('server')], responses: {} },
        delete: { operationId: 'servers/delete', parameters: [parameter('server')], responses: {} },
      },
      '/status': { get: { operationId: 'status/get', responses: {} } },
      '/frobnicate/{project}': {
        post: { operationId: 'frobnicate', parameters: [parameter('project')], responses: {} },
      },
      ...more,
    },
  })
}

export const acmeManifest: ImportedManifest = {
  origin: acmeOrigin,
  injection: { header: 'x-acme-key', prefix: '' },
  refused_headers: ['x-acme-account'],
  meaningful_headers: ['idempotency-key'],
  homes: {
    project: { is: 'place', form: 'name' },
    server: { is: 'asked', path: '/v1/servers/{id}', at: 'project', of: 'project', same: 'id' },
  },
}

export const acmeReview: ImportedReview = {
  public: ['status/get'],
  ids: [
    { at: 'project', kind: 'project' },
    { at: 'server', kind: 'server' },
  ],
}

export type Acme = {
  readonly origin: string
  /** `GET /v1/servers/a1`, with the key that came. */
  readonly seen: { readonly line: string; readonly key: string | undefined }[]
}

/** Servers that begin with `s` are staging's; the rest are production's. */
export async function openAcme(t: TestContext): Promise<Acme> {
  const seen: Acme['seen'] = []
  const server = http.createServer((request, response) => {
    const key = request.headers['x-acme-key']
    seen.push({
      line: `${request.method ?? ''} ${request.url ?? ''}`,
      key: typeof key === 'string' ? key : undefined,
    })
    request.resume()
    const id = /^\/v1\/servers\/([^/?]+)/.exec(request.url ?? '')?.[1]
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify(
        id === undefined ? {} : { id, project: id.startsWith('s') ? 'staging' : 'production' },
      ),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { origin: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, seen }
}
