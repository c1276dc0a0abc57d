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
import type { CompiledCatalogue } from '../../src/provider/rest/catalogue.ts'
import { restAdapter } from '../../src/provider/rest/adapter.ts'
import type { RestManifest } from '../../src/provider/rest/manifest.ts'

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

/** A document of about 3 KB; `n` makes it another one. */
function documentOf(n: number): string {
  const fields = Array.from(
    { length: 24 },
    (_, i) =>
      `  a${String(i)}_${String(n)}: environment(id: "${environment}") { id name createdAt isEphemeral projectId updatedAt }`,
  )
  return `query Read${String(n)} {\n${fields.join('\n')}\n}`
}

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

/** The median of the ratios of `rounds` turns, each of both sides. */
async function ratioOf(
  rounds: number,
  one: (round: number) => unknown,
  other: (round: number) => unknown,
): Promise<number> {
  const time = async (work: (round: number) => unknown, round: number): Promise<number> => {
    const from = performance.now()
    await work(round)
    return performance.now() - from
  }
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    const first = await time(one, round)
    ratios.push(first / (await time(other, round)))
  }
  return ratios.toSorted((a, b) => a - b)[rounds >> 1] ?? Number.NaN
}

async function documents(): Promise<
  Pick<Understanding, 'documentToParse' | 'documentAgainToParse'>
> {
  const railway = railwayAdapter()
  const understand = async (text: string): Promise<void> => {
    const identified = railway.identify(request('/graphql/v2', { query: text }))
    if (!identified.ok) throw new Error(identified.refusal.detail)
    for (const invocation of identified.invocations) {
      const { unresolved } = await railway.locate(invocation, context)
      if (unresolved.length > 0) throw new Error('the bench’s document could not be located')
    }
  }
  const perRound = 40
  const texts = (round: number): string[] =>
    Array.from({ length: perRound }, (_, i) => documentOf(round * perRound + i))
  const each = async (list: readonly string[], work: (text: string) => unknown): Promise<void> => {
    for (const text of list) await work(text)
  }
  await each(texts(1_000), understand)
  await each(texts(1_000), parse)
  const documentToParse = await ratioOf(
    31,
    (round) => each(texts(round), understand),
    (round) => each(texts(round), parse),
  )
  const again = Array.from({ length: perRound }, () => documentOf(0))
  const documentAgainToParse = await ratioOf(
    31,
    () => each(again, understand),
    () => each(again, parse),
  )
  return { documentToParse, documentAgainToParse }
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
  const catalogue = JSON.parse(text) as CompiledCatalogue
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
    () => run(all),
    () => run(ten),
  )
}

function weight(): Promise<Pick<Understanding, 'cataloguesMb' | 'registryMs'>> {
  const child = fork(fileURLToPath(new URL('weigh.ts', import.meta.url)), {
    execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
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
  return {
    ...(await documents()),
    allOperationsToTen: await operations(),
    ...(await weight()),
  }
}
