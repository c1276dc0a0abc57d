/**
 * A catalogue in memory. What finds an operation is built whole; the operations themselves stay text, a few hundred
 * bytes each, and are read when a request is one of them: an agent uses a handful of a provider's thousand.
 */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { CatalogueEntry } from '../adapter.ts'
import {
  loadOperation,
  templatesOf,
  type CompiledCatalogue,
  type CompiledOperation,
  type RestOperation,
} from './catalogue.ts'
import { buildTrie, type Trie } from './trie.ts'

export type OpenCatalogue = {
  /** A digest of the catalogue's text. */
  readonly version: string
  /** Values are for `operation`. Throws where two operations could not be told apart. */
  readonly trie: Trie<number>
  operation(index: number): RestOperation
  find(name: string): RestOperation | undefined
  entries(): Iterable<CatalogueEntry>
  /** The fields that carry credentials wherever they stand, as paths. */
  readonly anywhere: readonly (readonly string[])[]
}

const mostLoaded = 256

export function openCatalogue(text: string): OpenCatalogue {
  const compiled = JSON.parse(text) as CompiledCatalogue
  const { conditions: everywhere = [], revealsAnywhere = [] } = compiled
  const lines = compiled.operations.map((operation) => JSON.stringify(operation))
  const names = new Map(compiled.operations.map(({ name }, index) => [name, index]))
  const routes = compiled.operations.flatMap((operation, value) =>
    templatesOf(operation).map((template) => ({ method: operation.method, template, value })),
  )
  const loaded = new LRUCache<number, RestOperation>({ max: mostLoaded })

  function read(index: number): RestOperation {
    const line = lines[index]
    if (line === undefined) throw new RangeError(`there is no operation ${String(index)}`)
    return { ...loadOperation(JSON.parse(line) as CompiledOperation), everywhere }
  }

  function operation(index: number): RestOperation {
    let found = loaded.get(index)
    if (found === undefined) loaded.set(index, (found = read(index)))
    return found
  }

  return {
    version: createHash('sha256').update(text).digest('hex'),
    trie: buildTrie(routes),
    operation,
    find(name) {
      const index = names.get(name)
      return index === undefined ? undefined : operation(index)
    },
    *entries() {
      for (const index of lines.keys()) yield entryOf(read(index))
    },
    anywhere: revealsAnywhere.map((name) => ['**', name]),
  }
}

/** What the rest of the broker knows of an operation. The fingerprint is for whoever reviews versions, and made for them. */
export function entryOf(operation: RestOperation): CatalogueEntry {
  const { name, effects, scope, denied } = operation
  return {
    name,
    effects,
    scope,
    get fingerprint() {
      return fingerprintOf(operation)
    },
    ...(denied === undefined ? {} : { denied: true }),
  }
}

function fingerprintOf(operation: RestOperation): string {
  const { method, templates, scope, ids, conditions, everywhere, reveals } = operation
  // The request itself among it: a description can give a name that was reviewed to another one.
  const paths = templates.map(({ text }) => text)
  const what = [method, paths, scope, ids, [...conditions, ...everywhere], reveals]
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16)
}
