/**
 * How a catalogue is written: one operation a line, so that a review sees what a new description changes, and what
 * several operations have in common once, by a digest of it, so that such a line stays the same when others change. What
 * is read back is what was written: a reference that leads nowhere throws, because a condition that is lost would be an
 * effect that is lost.
 */
import { createHash } from 'node:crypto'
import type { Condition } from '../../core/condition.ts'
import type { CompiledCatalogue, CompiledOperation } from './catalogue.ts'

/** An operation as its line has it. */
export type WrittenOperation = Omit<CompiledOperation, 'query' | 'conditions'> & {
  readonly query?: string
  /** The name of a `query` among what is shared. */
  readonly queryOf?: string
  /** Conditions, or the names of such among what is shared. */
  readonly conditions?: readonly (Condition | string)[]
}

/** By name, queries and conditions. Absent where a catalogue was written before there was any sharing. */
type Shared = Readonly<Record<string, string | Condition>>

type Head = Omit<CompiledCatalogue, 'operations'> & { readonly shared?: Shared }

type WrittenCatalogue = Head & { readonly operations: readonly WrittenOperation[] }

/** Makes an operation whole; throws where it refers to what is not there. */
export type Resolve = (written: WrittenOperation) => CompiledOperation

const opening = '"operations":[\n'
const closing = '\n]}\n'

/** Nothing is gained by a name for less. */
const shortestShared = 40

export function serialise({ operations, ...head }: CompiledCatalogue): string {
  const shared = sharedOf(operations)
  const lines = operations.map((operation) => JSON.stringify(written(operation, shared)))
  const named = [...shared].map(([text, name]) => `"${name}":${text}`).toSorted()
  const start = JSON.stringify(head).slice(0, -1)
  const table = named.length === 0 ? '' : `"shared":{\n${named.join(',\n')}\n},`
  return ascii(`${start},${table}${opening}${lines.join(',\n')}${closing}`)
}

/** One character beyond Latin-1, and every other of the text takes two bytes of memory. They stand in strings only. */
function ascii(json: string): string {
  return json.replace(
    /[^\n\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The names of what comes more than once, by its text. */
function sharedOf(operations: readonly CompiledOperation[]): ReadonlyMap<string, string> {
  const seen = new Set<string>()
  const shared = new Map<string, string>()
  const names = new Map<string, string>()
  for (const { query, conditions = [] } of operations) {
    for (const value of query === undefined ? conditions : [query, ...conditions]) {
      const text = JSON.stringify(value)
      if (text.length < shortestShared) continue
      if (!seen.has(text)) seen.add(text)
      else if (!shared.has(text)) {
        const name = createHash('sha256').update(text).digest('hex').slice(0, 8)
        // Two texts of one name would be one condition in the place of another.
        if (names.has(name)) throw new Error(`two shared texts are called ${name}`)
        names.set(name, text)
        shared.set(text, name)
      }
    }
  }
  return shared
}

function written(
  operation: CompiledOperation,
  shared: ReadonlyMap<string, string>,
): WrittenOperation {
  const { query, conditions } = operation
  const queryOf = query === undefined ? undefined : shared.get(JSON.stringify(query))
  // Rebuilt member by member, so that each stands where it stood.
  return Object.fromEntries(
    Object.entries(operation).map(([key, value]): [string, unknown] => {
      if (key === 'query' && queryOf !== undefined) return ['queryOf', queryOf]
      if (key !== 'conditions') return [key, value]
      return [key, conditions?.map((one) => shared.get(JSON.stringify(one)) ?? one)]
    }),
  ) as WrittenOperation
}

/** The whole catalogue at once. Throws where the text is none. */
export function readCatalogue(text: string): CompiledCatalogue {
  const { shared, operations, ...head } = JSON.parse(text) as WrittenCatalogue
  return { ...head, operations: operations.map(resolver(shared)) }
}

export type Lines = {
  /** All but the operations. */
  readonly head: Omit<CompiledCatalogue, 'operations'>
  readonly resolve: Resolve
  readonly text: string
  /** Where in `text` the operations begin, and where the last one ends. Between two are a comma and a newline. */
  readonly bounds: Uint32Array
  readonly count: number
}

/**
 * Where the operations of a catalogue stand in its text, without reading them. Only a text as `serialise` writes it has
 * them one a line; any other is read and written anew. No line break can stand in a JSON string, so what reads as JSON
 * before the first line, and in every line by itself, reads the same as a whole.
 */
export function linesOf(text: string): Lines {
  const at = text.indexOf(opening)
  const first = at + opening.length
  const last = text.length - closing.length
  if (at === -1 || last <= first || !text.endsWith(closing)) {
    const catalogue = readCatalogue(text)
    // Without operations there is no line to find.
    if (catalogue.operations.length > 0) return linesOf(serialise(catalogue))
    const { operations: _, ...head } = catalogue
    return { head, resolve: resolver(undefined), text, bounds: new Uint32Array(), count: 0 }
  }
  const {
    shared,
    operations: _,
    ...head
  } = JSON.parse(`${text.slice(0, at)}"operations":[]}`) as WrittenCatalogue
  const starts: number[] = []
  for (let from = first; from < last; from = text.indexOf('\n', from) + 1) {
    if (from !== first && text[from - 2] !== ',') throw new SyntaxError('a line ends in no comma')
    starts.push(from)
  }
  return {
    head,
    resolve: resolver(shared),
    text,
    bounds: Uint32Array.from([...starts, last + 2]),
    count: starts.length,
  }
}

/** The operation of a line, by its number from 0. */
export function lineOf({ text, bounds, resolve }: Lines, index: number): CompiledOperation {
  const from = bounds[index]
  const to = bounds[index + 1]
  if (from === undefined || to === undefined)
    throw new RangeError(`there is no operation ${String(index)}`)
  return resolve(JSON.parse(text.slice(from, to - 2)) as WrittenOperation)
}

function resolver(shared: Shared = {}): Resolve {
  const known = new Map(Object.entries(shared))
  const query = (name: string): string => {
    const found = known.get(name)
    if (typeof found !== 'string') throw new Error(`the catalogue has no shared query ${name}`)
    return found
  }
  const condition = (one: Condition | string): Condition => {
    const found = typeof one === 'string' ? known.get(one) : one
    if (typeof found !== 'object') throw new Error(`the catalogue has no shared condition`)
    return found
  }
  return ({ queryOf, conditions, ...rest }) => ({
    ...rest,
    ...(queryOf === undefined ? {} : { query: query(queryOf) }),
    ...(conditions === undefined ? {} : { conditions: conditions.map(condition) }),
  })
}
