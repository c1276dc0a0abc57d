/**
 * Compiles `catalogue.json` from OpenAI's own description and our review of it:
 * `node src/provider/openai/compile.ts [description.json]`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compileCatalogue, serialise } from '../compile/compile.ts'
import type { Described, DescribedBody } from '../compile/described.ts'
import { readOpenApi } from '../compile/openapi.ts'
import { reviewOf } from './review.ts'

const beta = '?beta=true'

/**
 * The description lists a beta of some operations under a path of its own with `?beta=true` in it. To a server it is the
 * same path with a parameter: the operation takes what either of the two takes.
 */
export function describe(document: unknown): readonly Described[] {
  const described = readOpenApi(document)
  const betas = new Map(
    described
      .filter(({ path }) => path.endsWith(beta))
      .map((one) => [`${one.method} ${one.path.slice(0, -beta.length)}`, one]),
  )
  return described.map((one): Described => {
    const other = betas.get(`${one.method} ${one.path}`)
    if (other === undefined) return one
    const known = new Set(one.parameters?.map(({ name }) => name))
    return {
      ...one,
      parameters: [
        ...(one.parameters ?? []),
        ...(other.parameters ?? []).filter(({ name }) => !known.has(name)),
        { name: 'beta', in: 'query', type: 'boolean' },
      ],
      body: both(one.body, other.body),
      reveals: [...one.reveals, ...other.reveals],
    }
  })
}

function both(
  one: DescribedBody | undefined,
  other: DescribedBody | undefined,
): DescribedBody | undefined {
  if (one?.members === undefined || other?.members === undefined) return one ?? other
  return { ...one, members: [...new Set([...one.members, ...other.members])] }
}

/** The name of a beta, to the name of what it is a beta of. */
export function betasOf(described: readonly Described[]): Readonly<Record<string, string>> {
  const pairs = described
    .filter(({ path }) => path.endsWith(beta))
    .map(({ name, method, path }) => {
      const plain = path.slice(0, -beta.length)
      const base = described.find((one) => one.method === method && one.path === plain)
      if (base === undefined) throw new Error(`${name} is a beta of nothing`)
      return [name, base.name] as const
    })
  return Object.fromEntries(pairs)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const shared = new URL('../../../../shared/specs/openai-openapi.json', import.meta.url)
  const described = describe(JSON.parse(readFileSync(process.argv[2] ?? shared, 'utf8')) as unknown)
  const catalogue = compileCatalogue(described, reviewOf(described, betasOf(described)))
  writeFileSync(new URL('catalogue.json', import.meta.url), serialise(catalogue))
}
