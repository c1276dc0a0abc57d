/**
 * What the arguments of a request add to its operation: effects that its name alone does not have, and reaches beyond
 * its own resources. The conditions are the catalogue's, reviewed; here they are only evaluated, and whatever cannot be
 * compared counts as met, because a condition never makes a request harmless.
 */
import type { Effect, JsonObject, JsonValue } from '../../core/operation.ts'
import type { Condition, Test } from './catalogue.ts'

export type Consequences = { readonly added: readonly Effect[]; readonly widens: readonly string[] }

export function consequences(conditions: readonly Condition[], args: JsonObject): Consequences {
  const added: Effect[] = []
  const widens: string[] = []
  for (const condition of conditions) {
    if (!holds(condition, args)) continue
    for (const effect of condition.adds ?? []) if (!added.includes(effect)) added.push(effect)
    if (condition.widens !== undefined) widens.push(condition.widens)
  }
  return { added, widens }
}

function holds(condition: Condition, args: JsonObject): boolean {
  if (condition.at === undefined) return true
  const { when = 'present' } = condition
  return valuesAt(args, condition.at.split('.')).some((value) => meetsTest(value, when, args))
}

/** Every value that the path leads to; `*` is every member, whether of a list or, as some servers read it, an object. */
function valuesAt(value: JsonValue, path: readonly string[]): readonly JsonValue[] {
  const [key, ...rest] = path
  if (key === undefined) return [value]
  if (value === null || typeof value !== 'object') return []
  if (key === '*') return Object.values(value).flatMap((member) => valuesAt(member, rest))
  if (Array.isArray(value) || !Object.hasOwn(value, key)) return []
  const next = value[key]
  return next === undefined ? [] : valuesAt(next, rest)
}

function meetsTest(value: JsonValue, test: Test, args: JsonObject): boolean {
  if (test === 'present') return true
  if (test === 'not_false') return value !== false && value !== null
  if (test === 'null') return value === null
  if (typeof value !== 'string') return value !== null
  if ('equals' in test) return fold(value) === fold(test.equals)
  if ('contains' in test) return value.includes(test.contains)
  if ('under' in test) return test.under.some((root) => isUnder(value, root))
  if ('differsFrom' in test) return fold(value) !== own(args, test.differsFrom)
  const [owner = '', ...others] = value.split(':')
  if (others.length === 0) return false
  return others.length > 1 || fold(owner) !== own(args, test.ownerDiffersFrom)
}

function own(args: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(args, name) ? args[name] : undefined
  return typeof value === 'string' ? fold(value) : undefined
}

/** Compares as the most forgiving file system would: case, Unicode form, doubled slashes and dots aside. */
function isUnder(path: string, root: string): boolean {
  const pieces: string[] = []
  for (const piece of fold(path).split(/[/\\]/)) {
    if (piece === '..') pieces.pop()
    else if (piece !== '' && piece !== '.') pieces.push(piece)
  }
  const roots = fold(root).split('/')
  return roots.every((piece, index) => pieces[index] === piece)
}

function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}
