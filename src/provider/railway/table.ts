/**
 * Reads the reviewed tables. One root field a line:
 *
 *     name | effects | scope | ids | added effects | payload
 *
 * - effects: words of `Effect`; `denied` ships the operation denied
 * - ids: `path:role:kind`; `path:environment` is an environment's id; `path:none` was reviewed and names nothing that is
 *   touched; `?path` behind it makes it a target where that other argument is set
 * - added effects: `effect if path present|absent|is X|not X`, separated by `;`
 * - payload: `path:reader`, for scalars whose content the schema does not describe
 *
 * A line that does not read is a mistake of ours and throws.
 */
import { effects, type Effect, type JsonValue, type OperationScope } from '../../core/operation.ts'
import type {
  AddedEffect,
  IdArgument,
  PayloadReader,
  Root,
  RootField,
} from '../graphql/catalogue.ts'

export type Readers = Readonly<Record<string, PayloadReader>>

/** `twice` holds the names that stand under more than one root: those are spelled `query:x`. */
export function readTable(
  root: Root,
  text: string,
  twice: ReadonlySet<string>,
  readers: Readers,
): RootField[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => readLine(root, line, twice, readers))
}

/** The names of a table's lines. */
export function tableNames(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' | ')[0] ?? '')
}

function readLine(
  root: Root,
  line: string,
  twice: ReadonlySet<string>,
  readers: Readers,
): RootField {
  const bad = (what: string): Error => new Error(`catalogue of ${root}: ${what} in "${line}"`)
  const [field = '', words = '', scope = '', ids = '', adds = '', payload = ''] = line
    .split('|')
    .map((cell) => cell.trim())
  if (field === '') throw bad('no name')

  const own: Effect[] = []
  let denied = false
  for (const word of words.split(' ')) {
    if (word === 'denied') denied = true
    else own.push(effect(word, bad))
  }
  if (own.includes('read') === own.includes('write')) throw bad('not exactly one base effect')
  if (scope !== 'environment' && scope !== 'account' && scope !== 'public') throw bad('no scope')
  return {
    root,
    field,
    operation: twice.has(field) ? `${root}:${field}` : field,
    effects: own,
    scope: scope satisfies OperationScope,
    denied,
    ids: ids === '' ? [] : ids.split(' ').map((id) => idArgument(id, bad)),
    adds: adds === '' ? [] : adds.split(';').map((rule) => addedEffect(rule.trim(), bad)),
    ...(payload === '' ? {} : { payload: payloadOf(payload, readers, bad) }),
  }
}

type Bad = (what: string) => Error

function effect(word: string, bad: Bad): Effect {
  const found = effects.find((name) => name === word)
  if (found === undefined) throw bad(`the effect "${word}"`)
  return found
}

function idArgument(text: string, bad: Bad): IdArgument {
  const [spec = '', when] = text.split('?')
  const [path = '', role, kind] = spec.split(':')
  const at = path.split('.')
  const targetWhen = when === undefined ? {} : { targetWhen: when.split('.') }
  if (role === 'environment' || role === 'none') return { path: at, kind: 'environment', role }
  if ((role !== 'target' && role !== 'container') || kind === undefined) throw bad(`"${text}"`)
  return { path: at, kind, role, ...targetWhen }
}

function addedEffect(rule: string, bad: Bad): AddedEffect {
  const [name = '', joint, path = '', test, literal] = rule.split(' ')
  if (joint !== 'if' || path === '') throw bad(`"${rule}"`)
  const base = { effect: effect(name, bad), path: path.split('.') }
  if (test === 'absent' || test === 'present') return { ...base, when: test }
  if (literal === undefined) throw bad(`"${rule}"`)
  const value = JSON.parse(literal) as JsonValue
  if (test === 'is') return { ...base, when: { is: value } }
  if (test === 'not') return { ...base, when: { not: value } }
  throw bad(`"${rule}"`)
}

function payloadOf(text: string, readers: Readers, bad: Bad): NonNullable<RootField['payload']> {
  const [path = '', name = ''] = text.split(':')
  const read = Object.hasOwn(readers, name) ? readers[name] : undefined
  if (read === undefined) throw bad(`the reader "${name}"`)
  return { path: path.split('.'), read }
}
