/**
 * PostgreSQL's own parser (libpg-query, version 18.x of the grammar, compiled to WASM), held so that a text can not
 * break it. Against an agent that sends nested text: the parser prints its tree recursively, and a stack overflow
 * inside WASM leaves its memory corrupt, which would make every later answer worthless. So nesting is measured on the
 * lexer's tokens before the parser sees the text, and an instance that threw anything but a syntax error is never
 * asked again.
 */
import { createRequire } from 'node:module'
import type { JsonValue } from '../../../core/operation.ts'

type Library = {
  loadModule(): Promise<void>
  parseSync(text: string): unknown
  scanSync(text: string): { readonly tokens: readonly { readonly text: string }[] }
}

export type ParsedSql =
  | { readonly ok: true; readonly statements: readonly JsonValue[] }
  | { readonly ok: false; readonly detail: string }

/** Bytes of UTF-8. */
export const maxSqlBytes = 100 * 1024
/** Measured: the parser's stack holds over a thousand nested sub-selects, or five thousand of anything else. */
const maxNesting = 2000
const maxBrackets = 200
const maxSetOperations = 500
/** Too short to nest deeply enough to matter, so that the usual text is not lexed twice. */
const certainlyShallow = 1000

let library: Library | undefined
let loading: Promise<void> | undefined

/** Loads the parser (1.7 MB of WASM) once; resolves when `parseSql` may be called. */
export async function prepareSql(): Promise<void> {
  if (library !== undefined) return
  loading ??= load().finally(() => {
    loading = undefined
  })
  await loading
}

async function load(): Promise<void> {
  const require = createRequire(import.meta.url)
  // The package keeps its one instance in its own module: a new instance takes a new module.
  delete require.cache[require.resolve('libpg-query')]
  const fresh = require('libpg-query') as Library
  await fresh.loadModule()
  library = fresh
}

/** The parse tree of each statement, as the library's JSON. `detail` quotes at most 100 characters. */
export function parseSql(text: string): ParsedSql {
  if (library === undefined) return refused('The SQL parser is not loaded yet; try again.')
  if (!text.isWellFormed()) return refused('The SQL holds half of a surrogate pair.')
  if (text.includes('\0')) return refused('The SQL holds a NUL character.')
  if (Buffer.byteLength(text) > maxSqlBytes) return refused('The SQL is longer than 100 KB.')
  if (text.trim() === '') return refused('The SQL is empty.')
  try {
    if (text.length > certainlyShallow && !isShallow(library.scanSync(text).tokens))
      return refused('The SQL is nested too deeply.')
    return { ok: true, statements: statementsOf(library.parseSync(text)) }
  } catch (error) {
    if (error instanceof Error && error.name === 'SqlError')
      return refused(`The SQL does not parse: ${error.message.slice(0, 100)}`)
    // What the lexer of the library answers to an unterminated string is not JSON.
    if (error instanceof SyntaxError) return refused('The SQL does not parse.')
    library = undefined
    // Should that fail too, the next call of prepareSql says so.
    prepareSql().catch(() => undefined)
    return refused('The SQL parser gave up on this text.')
  }
}

function refused(detail: string): ParsedSql {
  return { ok: false, detail }
}

function statementsOf(tree: unknown): readonly JsonValue[] {
  const { stmts } = tree as { stmts?: { stmt?: JsonValue }[] }
  return (stmts ?? []).map(({ stmt }) => stmt ?? null)
}

/**
 * An upper bound of the tree's depth: what stands open at each level of brackets since the last comma or semicolon.
 * Set operations chain across commas, so they are counted for themselves.
 */
function isShallow(tokens: readonly { readonly text: string }[]): boolean {
  const open: number[] = []
  let segment = 0
  let outer = 0
  let setOperations = 0
  for (const { text } of tokens) {
    if (text === '(' || text === '[') {
      open.push(segment)
      outer += segment
      segment = 0
      if (open.length > maxBrackets) return false
    } else if (text === ')' || text === ']') {
      segment = open.pop() ?? 0
      outer -= segment
    } else if (text === ',' || text === ';') {
      segment = 0
      continue
    } else if (/^(?:union|intersect|except)$/i.test(text) && ++setOperations > maxSetOperations) {
      return false
    }
    if (++segment + outer > maxNesting) return false
  }
  return true
}
