/**
 * What a text of SQL does, in the effects of a grant, told from PostgreSQL's own parse of it and from nothing else.
 * Against an agent that words a write as a read: `read` is said only of SELECT (with CTEs, VALUES, TABLE, set
 * operations), SHOW and EXPLAIN of these, made of nothing but reviewed nodes, calling nothing but reviewed functions,
 * operators and casts. What is not known is never `read`; a statement or a text that is not known is refused.
 *
 * The parser is that of PostgreSQL 18, while a server may be older. What an older one reads differently (a keyword that
 * it takes for a function) is left out of the reviewed nodes. The one setting that changes how a text is cut into
 * strings, `standard_conforming_strings`, can only matter where a backslash stands before a quote; see below.
 *
 * What a text cannot tell, and this does not claim: a view, a column computed by a function, a policy or a function of
 * the user's that fits better than the built-in of that name may do anything when a SELECT reaches it. To plant one
 * takes a statement that this file says has every effect, or `admin`. And a read may be expensive.
 */
import { effects as allEffects } from '../../../core/operation.ts'
import { unbounded } from './functions.ts'
import { unwrap } from './node.ts'
import { parseSql, prepareSql as prepareParser } from './parser.ts'
import { walk } from './walk.ts'
import type { Effect } from '../../../core/operation.ts'

export type SqlClass =
  | {
      readonly ok: true
      /** The union over the statements: `read` or `write` first, then the others, each once. */
      readonly effects: readonly Effect[]
      /** The kind of each, as PostgreSQL's parser calls it: `SelectStmt`. */
      readonly statements: readonly string[]
      /** What made it more than a read, such as `function pg_sleep`; a few, and none for a read. Made of the text: at most 100 characters each, for display only. */
      readonly reasons: readonly string[]
    }
  | { readonly ok: false; readonly detail: string }

const maxStatements = 200
const maxReasons = 5
const readingStatements: ReadonlySet<string> = new Set([
  'SelectStmt',
  'ExplainStmt',
  'VariableShowStmt',
])

/** Loads the parser (WASM) once; resolves when `classifySql` may be called. */
export function prepareSql(): Promise<void> {
  return prepareParser()
}

/**
 * Synchronous, after `prepareSql`. Bounded: 100 KB of text, 200 statements, nesting and nodes. The text is the whole
 * of what the server is sent, character by character.
 */
export function classifySql(text: string): SqlClass {
  const parsed = parseSql(text)
  if (!parsed.ok) return parsed
  if (parsed.statements.length === 0) return refused('The SQL holds no statement.')
  if (parsed.statements.length > maxStatements)
    return refused(`The SQL holds more than ${maxStatements} statements.`)
  const found = new Set<Effect>()
  const statements: string[] = []
  const reasons: string[] = []
  for (const statement of parsed.statements) {
    const name = unwrap(statement)?.name
    if (name === undefined) return refused('The SQL holds a statement that is not understood.')
    const findings = walk(statement)
    if (findings === 'too_large') return refused('The SQL is too large.')
    const [unknown] = findings.unknownStatements
    if (unknown !== undefined)
      return refused(`The SQL holds a statement that is not understood: ${unknown.slice(0, 100)}.`)
    statements.push(name)
    for (const effect of findings.effects) found.add(effect)
    reasons.push(...findings.reasons)
    if (!readingStatements.has(name)) found.add('write')
    else if (findings.doubts.length > 0) {
      found.add('write').add('destructive')
      reasons.push(...findings.doubts)
    }
  }
  if (isReadTwoWays(text)) {
    for (const effect of unbounded) found.add(effect)
    reasons.unshift('a backslash before a quote')
  }
  return {
    ok: true,
    effects: inOrder(found),
    statements,
    reasons: [...new Set(reasons)].slice(0, maxReasons),
  }
}

/**
 * A database may have `standard_conforming_strings` off: there `'\''` ends later than here, and what is a string to us
 * is a statement to it, or the other way round. Strings can only end differently at a backslash before a quote.
 */
function isReadTwoWays(text: string): boolean {
  return text.includes("\\'")
}

/** The base first. Whatever destroys or administers also writes. */
function inOrder(found: ReadonlySet<Effect>): readonly Effect[] {
  const writes = found.has('write') || found.has('destructive') || found.has('admin')
  const rest = allEffects.filter(
    (effect) => effect !== 'read' && effect !== 'write' && found.has(effect),
  )
  return [writes ? 'write' : 'read', ...rest]
}

function refused(detail: string): SqlClass {
  return { ok: false, detail }
}
