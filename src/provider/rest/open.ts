/**
 * A catalogue in memory. What finds an operation is built whole; the operations themselves stay the text that was read,
 * a few hundred bytes each, and are read when a request is one of them: an agent uses a handful of a provider's thousand.
 * Every line is read once when it is opened, one at a time, so that one that does not read is known at once and what
 * reading leaves behind is never much.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { LRUCache } from 'lru-cache'
import type { CatalogueEntry } from '../adapter.ts'
import { loadOperation, templatesOf, type RestOperation } from './catalogue.ts'
import type { Template } from './template.ts'
import { buildTrie, type Trie } from './trie.ts'
import { lineOf, linesOf } from './written.ts'

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

/** The text of the `catalogue.json` beside the module of that address, when it is asked for. */
export function catalogueBeside(module: string): () => string {
  return () => readFileSync(new URL('catalogue.json', module), 'utf8')
}

type Route = { readonly method: string; readonly template: Template; readonly value: number }

export function openCatalogue(text: string): OpenCatalogue {
  const lines = linesOf(text)
  const { conditions: everywhere = [], revealsAnywhere = [] } = lines.head
  const names = new Map<string, number>()

  function* routes(): Iterable<Route> {
    for (let value = 0; value < lines.count; value++) {
      const compiled = lineOf(lines, value)
      names.set(compiled.name, value)
      for (const template of templatesOf(compiled))
        yield { method: compiled.method, template, value }
    }
  }

  const trie = buildTrie(routes())
  const loaded = new LRUCache<number, RestOperation>({ max: mostLoaded })
  const read = (index: number): RestOperation => ({
    ...loadOperation(lineOf(lines, index)),
    everywhere,
  })

  function operation(index: number): RestOperation {
    let found = loaded.get(index)
    if (found === undefined) loaded.set(index, (found = read(index)))
    return found
  }

  return {
    version: createHash('sha256').update(text).digest('hex'),
    trie,
    operation,
    find(name) {
      const index = names.get(name)
      return index === undefined ? undefined : operation(index)
    },
    *entries() {
      for (let index = 0; index < lines.count; index++) yield entryOf(read(index))
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
