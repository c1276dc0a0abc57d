/**
 * How Kubernetes is spoken to. Every cluster is somebody's own, so a credential says where it is (`origin`); the places of
 * an environment are namespaces. Against an agent with a credential for one namespace: what is of the cluster, or of all
 * namespaces, is nobody's environment and is refused, and no header makes the credential speak for another user.
 */
import type { ErrorAnswer } from '../adapter.ts'
import type { RestManifest } from '../rest/manifest.ts'
import { facts } from './facts.ts'

/** Versions of the forms that kubectl asks for: tables, metadata alone, and the whole of what the API has. */
const forms = [
  ...['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'].flatMap((as) =>
    ['v1', 'v1beta1'].flatMap((v) => [
      `application/json;as=${as};v=${v};g=meta.k8s.io`,
      `application/json;as=${as};g=meta.k8s.io;v=${v}`,
    ]),
  ),
  ...['v2', 'v2beta1'].map(
    (v) => `application/json;g=apidiscovery.k8s.io;v=${v};as=APIGroupDiscoveryList`,
  ),
]

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

/**
 * kubectl and every client of its family show the message of a `Status` and, of any other error, the word "unknown". Its
 * `status` and `code` are of other types than a problem's, so the problem stands whole in a member of its own.
 */
function asStatus(problem: Readonly<Record<string, unknown>>): ErrorAnswer {
  const { status, code, detail } = problem
  const answer = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `${String(detail)} (${String(code)})`,
    reason: reasons[Number(status)] ?? '',
    details: { causes: [{ reason: code, message: detail }] },
    code: status,
    problem,
  }
  return { contentType: 'application/json', body: JSON.stringify(answer) }
}

export const manifest: RestManifest = {
  name: 'kubernetes',
  origins: [],
  pathPrefixes: [],
  carriers: [{ name: 'bearer', header: 'authorization', prefix: 'Bearer ' }],
  injections: [{ name: 'bearer', header: 'authorization', prefix: 'Bearer ' }],
  // RFC 1123, as namespaces are named.
  bindings: [
    { kind: 'namespace', pattern: '^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$', example: 'staging' },
  ],
  errorAnswer: asStatus,
  headers: { 'user-agent': 'valetkey' },
  // X-Remote-* and X-Forwarded-*, by which a proxy in front says who asks, and Kubectl-* are dropped like all others.
  meaningfulHeaders: {
    'if-none-match': /^(?:W\/)?"[\x21\x23-\x7e]{0,200}"$/,
  },
  refusedHeaders: [
    'impersonate-user',
    'impersonate-group',
    'impersonate-uid',
    'impersonate-extra-*',
  ],
  accepts: ['application/json', 'text/plain', ...forms],
  jsonTypes: [
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/strategic-merge-patch+json',
  ],
  // Server-side apply.
  yamlTypes: ['application/apply-patch+yaml'],
  bodyLimit: 2 * 1024 * 1024,
  homes: { namespace: { is: 'place' } },
  facts,
  // API priority and fairness says which of its levels an answer was counted against.
  rateLimitHeaders: ['x-kubernetes-pf-flowschema-uid', 'x-kubernetes-pf-prioritylevel-uid'],
}
