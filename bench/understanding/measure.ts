/**
 * What understanding costs, as ratios of one run: reading a document against graphql-js's own parse of it, finding a
 * REST operation among all of GitHub's against ten of them, and what the catalogues weigh in memory. Each pair is
 * measured in turns, so that a neighbour's noise falls on both.
 */
import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'graphql'
import type { LocateContext, ProviderRequest } from '../../src/provider/adapter.ts'
import { githubAdapter } from '../../src/provider/github/adapter.ts'
import { railwayAdapter } from '../../src/provider/railway/adapter.ts'
import { restAdapter } from '../../src/provider/rest/adapter.ts'
import type { RestManifest } from '../../src/provider/rest/manifest.ts'
import { readCatalogue } from '../../src/provider/rest/written.ts'

export type Understanding = {
  /** Identifying and locating a new 3 KB document, of graphql-js's parse of it. At most 2. */
  readonly documentToParse: number
  /** The same document again. */
  readonly documentAgainToParse: number
  /** One request among all of GitHub's REST operations, of the same among ten. At most 1.5. */
  readonly allOperationsToTen: number
  /** Resident memory that all catalogues add, in MB. Below 25. */
  readonly cataloguesMb: number
  /** Milliseconds that a start spends on providers before any of them is used. */
  readonly registryMs: number
}

const environment = '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a03'

/** What a client sends. */
type Sent = {
  readonly query: string
  readonly variables?: Readonly<Record<string, string | number>>
}

const times = (n: number, line: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => line(i)).join('\n')

/** Documents of about 3 KB, each of another kind; `n` makes one another. What is reported is the worst of them. */
const kinds: readonly ((n: number) => Sent)[] = [
  // Written out by hand: many roots, ids as literals.
  (n) => ({
    query: `query Read${String(n)} {\n${times(
      24,
      (i) =>
        `  a${String(i)}_${String(n)}: environment(id: "${environment}") { id name createdAt isEphemeral projectId updatedAt }`,
    )}\n}`,
  }),
  // Of a client library: variables, a default, a fragment, a field that stands both in it and beside it.
  (n) => ({
    query: `query Read${String(n)}($environment: String!, $first: Int!, $more: Int = 20) {
  environment(id: $environment) {
    __typename
    id
    name
${times(
  5,
  (i) => `    d${String(i)}_${String(n)}: deployments(first: $first) {
      edges {
        cursor
        node {
          __typename
          id
          ...Deployment
        }
      }
      pageInfo { hasNextPage endCursor }
    }
    s${String(i)}_${String(n)}: serviceInstances(first: $more) {
      edges {
        node { __typename id serviceName startCommand buildCommand rootDirectory region numReplicas }
      }
      pageInfo { hasNextPage endCursor }
    }`,
)}
  }
}
fragment Deployment on Deployment {
  __typename
  id
  status
  createdAt
  updatedAt
  canRedeploy
  canRollback
  staticUrl
  url
}`,
    variables: { environment, first: 10 },
  }),
]

const context: LocateContext = {
  ask: () => Promise.reject(new Error('nothing is asked')),
  fresh: false,
  cacheKey: 'bench',
  bound: new Set([`environment:${environment}`]),
}

function request(path: string, body?: unknown): ProviderRequest {
  return {
    method: body === undefined ? 'GET' : 'POST',
    path,
    query: undefined,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body)),
  }
}

/** The median of the ratios of `rounds` turns, each of both sides over the same input, which is made before. */
async function ratioOf<T>(
  rounds: number,
  input: () => T,
  one: (input: T) => unknown,
  other: (input: T) => unknown,
): Promise<number> {
  const time = async (work: (input: T) => unknown, on: T): Promise<number> => {
    const from = performance.now()
    await work(on)
    return performance.now() - from
  }
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    const on = input()
    const first = await time(one, on)
    ratios.push(first / (await time(other, on)))
  }
  return ratios.toSorted((a, b) => a - b)[rounds >> 1] ?? Number.NaN
}

/** A request as it arrives and, for the parser, its document: what makes them is the client's work and not measured. */
type Arrived = { readonly request: ProviderRequest; readonly text: string }

function arrive(sent: Sent): Arrived {
  const text = Buffer.from(sent.query).toString('latin1')
  return { request: request('/graphql/v2', sent), text }
}

async function documents(
  kind: (n: number) => Sent,
): Promise<Pick<Understanding, 'documentToParse' | 'documentAgainToParse'>> {
  const railway = railwayAdapter()
  const understand = async (arrived: readonly Arrived[]): Promise<void> => {
    for (const { request: one } of arrived) {
      const identified = railway.identify(one)
      if (!identified.ok) throw new Error(identified.refusal.detail)
      for (const invocation of identified.invocations) {
        const { unresolved } = await railway.locate(invocation, context)
        if (unresolved.length > 0) throw new Error('the bench’s document could not be located')
      }
    }
  }
  const parseAll = (arrived: readonly Arrived[]): void => {
    for (const { text } of arrived) parse(text)
  }
  // As many as it takes for the garbage collector to come by: what is kept costs there.
  const perRound = 400
  let n = 0
  const fresh = (): readonly Arrived[] => Array.from({ length: perRound }, () => arrive(kind(n++)))
  const same = (): readonly Arrived[] => Array.from({ length: perRound }, () => arrive(kind(0)))
  for (let i = 0; i < 5; i++) {
    await understand(fresh())
    parseAll(fresh())
  }
  return {
    documentToParse: await ratioOf(31, fresh, understand, parseAll),
    documentAgainToParse: await ratioOf(31, same, understand, parseAll),
  }
}

const manifest: RestManifest = {
  name: 'bench',
  origins: ['https://api.github.com'],
  pathPrefixes: [],
  carriers: [],
  injections: [],
  bindings: [],
  headers: {},
  meaningfulHeaders: {},
  refusedHeaders: [],
  accepts: [],
  bodyLimit: 1_000_000,
  rateLimitHeaders: [],
  homes: {},
}

function operations(): Promise<number> {
  const text = readFileSync(
    new URL('../../src/provider/github/catalogue.json', import.meta.url),
    'utf8',
  )
  const catalogue = readCatalogue(text)
  const chosen = catalogue.operations
    .filter(({ name, method }) => method === 'GET' && name.startsWith('issues/'))
    .slice(0, 10)
  const all = restAdapter({ manifest, catalogue: () => text })
  const ten = restAdapter({
    manifest,
    catalogue: () => JSON.stringify({ source: 'ten of them', operations: chosen }),
  })
  const paths = chosen.map(({ path }) =>
    path.replace(/\{([^}|]+)(\|[a-z]+)?\}/g, (_, name: string, type?: string) =>
      type === '|integer' ? '7' : name,
    ),
  )
  const run = (adapter: typeof all): void => {
    for (let i = 0; i < 3_000; i++) {
      const identified = adapter.identify(request(paths[i % paths.length] ?? '/'))
      if (!identified.ok) throw new Error(identified.refusal.detail)
    }
  }
  run(all)
  run(ten)
  return ratioOf(
    31,
    () => undefined,
    () => run(all),
    () => run(ten),
  )
}

function weight(): Promise<Pick<Understanding, 'cataloguesMb' | 'registryMs'>> {
  const child = fork(fileURLToPath(new URL('weigh.ts', import.meta.url)), {
    // V8 gives what is young more room the more of it has stayed, up to 32 MB for each half, and a broker that has
    // served anything has all of that: it would count as catalogue if it came while the catalogues are loaded.
    execArgv: [
      '--expose-gc',
      '--min-semi-space-size=32',
      '--max-semi-space-size=32',
      '--disable-warning=ExperimentalWarning',
    ],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    child.once('message', (said) =>
      resolve(said as Pick<Understanding, 'cataloguesMb' | 'registryMs'>),
    )
    child.once('error', reject)
  })
}

/** GitHub's own adapter is warmed too, so that what is compared has been compiled by then. */
export async function measureUnderstanding(): Promise<Understanding> {
  githubAdapter().find('repos/get')
  const read = []
  for (const kind of kinds) read.push(await documents(kind))
  return {
    documentToParse: Math.max(...read.map((one) => one.documentToParse)),
    documentAgainToParse: Math.max(...read.map((one) => one.documentAgainToParse)),
    allOperationsToTen: await operations(),
    ...(await weight()),
  }
}
