/**
 * Counts the operations of a description by its plainest reading, which shares no line with the compilers: what they
 * drop, this does not. Undefined where the description is not at hand.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { buildASTSchema, parse } from 'graphql'

const shared = new URL('../../../shared/specs/', import.meta.url)

/** A description beside the checkout. */
export function beside(path: string): URL {
  return new URL(path, shared)
}

/** A file of a development dependency, beside the one that its name leads to. */
export function installed(specifier: string, file = ''): URL {
  return new URL(file, import.meta.resolve(specifier))
}

function textOf(url: URL): string | undefined {
  if (!existsSync(fileURLToPath(url))) return undefined
  const bytes = readFileSync(url)
  return (url.pathname.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
}

const methods = new Set(['get', 'put', 'post', 'delete', 'patch', 'head', 'options', 'trace'])

type Paths = { readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>> }

/** Methods of the paths of an OpenAPI description in JSON. */
export function countOpenApi(url: URL): number | undefined {
  const text = textOf(url)
  if (text === undefined) return undefined
  const { paths } = JSON.parse(text) as Paths
  return Object.values(paths)
    .flatMap((item) => Object.keys(item))
    .filter((key) => methods.has(key)).length
}

/** Rows of a list. */
export function countList(url: URL): number | undefined {
  const text = textOf(url)
  return text === undefined ? undefined : (JSON.parse(text) as readonly unknown[]).length
}

/** Fields of the roots of a GraphQL schema. */
export function countGraphql(url: URL): number | undefined {
  const text = textOf(url)
  if (text === undefined) return undefined
  const schema = buildASTSchema(parse(text, { noLocation: true }), { assumeValid: true })
  return [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
    .map((type) => Object.keys(type?.getFields() ?? {}).length)
    .reduce((sum, count) => sum + count, 0)
}

/** Operations of a model of AWS, gzipped. */
export function countModel(url: URL): number | undefined {
  const text = textOf(url)
  if (text === undefined) return undefined
  return Object.keys((JSON.parse(text) as { operations: object }).operations).length
}

/** What a compiler's own reading finds, where no plainer one is to be had. */
export function countRead(
  url: URL,
  read: (bytes: Uint8Array) => readonly unknown[],
): number | undefined {
  return existsSync(fileURLToPath(url)) ? read(readFileSync(url)).length : undefined
}
