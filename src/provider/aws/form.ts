/**
 * The forms of the `query` and `ec2` protocols: `Action=…&Version=…&InstanceId.1=…`. Read into the operation's own
 * argument types, and written anew from them, so that a parameter which the model does not have, a list with two first
 * members or a value under two spellings never leaves. Against an agent that says one action here and another there.
 */
import type { JsonObject, JsonValue } from '../../core/operation.ts'
import { quoted, refuse, type Refused } from '../rest/refusal.ts'
import { readScalar, writeScalar } from './scalar.ts'
import { isScalar, type Reference, type Shape, type Shapes } from './shape.ts'

export type Form = { readonly ok: true; readonly fields: ReadonlyMap<string, string> }
export type Dialect = 'ec2' | 'query'

const mostFields = 2_000
const longestName = 400
const deepest = 20
/** What a browser's form has, and the SDKs write. `;` separates to older servers. */
const formCharacters = /^[A-Za-z0-9\-._~!$'()*+,:@/?=&%]*$/
// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const control = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/

const not = (detail: string): Refused => refuse('not_understood', detail)

/** Names and values, each name once. */
export function readForm(text: string): Form | Refused {
  if (!formCharacters.test(text)) {
    return not(
      'The form has a character that must be percent-encoded (";" and non-ASCII among them).',
    )
  }
  const fields = new Map<string, string>()
  const pairs = text.split('&')
  if (pairs.length > mostFields) return not(`The form has more than ${mostFields} fields.`)
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const name = equals === -1 ? undefined : decode(pair.slice(0, equals))
    const value = decode(pair.slice(equals + 1))
    if (name === undefined || value === undefined)
      return not('The form has a field that is not "name=value" in percent-encoded UTF-8.')
    // One parameter under two names that a lenient reader takes for one.
    if (!/^[A-Za-z][A-Za-z0-9.:_-]*$/.test(name) || name.length > longestName)
      return not(`${quoted(name)} is not the name of a parameter.`)
    if (fields.has(name)) return not(`The parameter ${quoted(name)} comes twice.`)
    if (control.test(value)) return not(`The parameter ${quoted(name)} has a control character.`)
    fields.set(name, value)
  }
  return { ok: true, fields }
}

/** Percent-decoding, once; `+` is a space. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/** The names cut at their dots: each field is a leaf of one tree. */
type Node = { value: string | undefined; readonly below: Map<string, Node> }

class Misread extends Error {}

/** The arguments that the fields say, by the names of the model's members. */
export function argumentsOf(
  fields: ReadonlyMap<string, string>,
  input: string | undefined,
  shapes: Shapes,
  dialect: Dialect,
): { readonly ok: true; readonly args: JsonObject } | Refused {
  const root: Node = { value: undefined, below: new Map() }
  for (const [name, value] of fields) {
    let node = root
    const parts = name.split('.')
    if (parts.length > deepest * 2) return not(`The parameter ${quoted(name)} is nested too deep.`)
    for (const part of parts) {
      let next = node.below.get(part)
      if (next === undefined) node.below.set(part, (next = { value: undefined, below: new Map() }))
      node = next
    }
    node.value = value
  }
  try {
    const shape = input === undefined ? emptyStructure : shapes.get(input)
    const args = readShape(root, shape, '', shapes, dialect)
    return { ok: true, args: args as JsonObject }
  } catch (error) {
    if (error instanceof Misread) return not(error.message)
    throw error
  }
}

const emptyStructure: Shape = { kind: 'structure', members: new Map(), byWire: new Map() }

function readReference(
  node: Node,
  { type }: Reference,
  path: string,
  shapes: Shapes,
  dialect: Dialect,
): JsonValue {
  if (!isScalar(type)) return readShape(node, shapes.get(type), path, shapes, dialect)
  if (node.below.size > 0 || node.value === undefined)
    throw new Misread(`${quoted(path)} is one value, and has nothing below it.`)
  const value = readScalar(node.value, type)
  if (value === undefined) throw new Misread(`${quoted(path)} is not a value of its type.`)
  return value
}

function readShape(
  node: Node,
  shape: Shape | undefined,
  path: string,
  shapes: Shapes,
  dialect: Dialect,
): JsonValue {
  if (shape === undefined) throw new Misread(`${quoted(path)} is of a type that is not known here.`)
  if (node.value !== undefined)
    throw new Misread(`${quoted(path)} is made of other parameters, and has no value itself.`)
  const at = (part: string): string => (path === '' ? part : `${path}.${part}`)
  if (shape.kind === 'structure') {
    const object: JsonObject = {}
    for (const [part, below] of node.below) {
      const name = shape.byWire.get(part)
      const member = name === undefined ? undefined : shape.members.get(name)
      const inner = member === undefined ? undefined : listWithin(below, member, shapes, dialect)
      if (name === undefined || member === undefined || inner === undefined)
        throw new Misread(`${quoted(at(part))} is not a parameter of this operation.`)
      object[name] = readReference(inner, member, at(part), shapes, dialect)
    }
    return object
  }
  const members = numbered(node, path)
  if (shape.kind === 'list')
    return members.map((below, i) =>
      readReference(below, shape.member, at(String(i + 1)), shapes, dialect),
    )
  const object: JsonObject = {}
  for (const [i, below] of members.entries()) {
    const key = below.below.get(shape.key.wire ?? 'key')
    const value = below.below.get(shape.value.wire ?? 'value')
    if (below.below.size !== 2 || key?.value === undefined || value === undefined)
      throw new Misread(`${quoted(at(String(i + 1)))} is a key and a value.`)
    if (Object.hasOwn(object, key.value) || key.value === '__proto__')
      throw new Misread(`${quoted(path)} has a key twice.`)
    object[key.value] = readReference(value, shape.value, at(String(i + 1)), shapes, dialect)
  }
  return object
}

/** `Filters.Filter.1` and `Names.member.1`: the list of the query protocol has a name of its own in between. */
function listWithin(
  node: Node,
  { type }: Reference,
  shapes: Shapes,
  dialect: Dialect,
): Node | undefined {
  const shape = isScalar(type) ? undefined : shapes.get(type)
  const between = shape === undefined ? undefined : betweenOf(shape, dialect)
  if (between === undefined) return node
  return node.value === undefined && node.below.size === 1 ? node.below.get(between) : undefined
}

function betweenOf(shape: Shape, dialect: Dialect): string | undefined {
  if (dialect === 'ec2' || shape.kind === 'structure') return undefined
  if (shape.kind === 'map') return 'entry'
  return shape.flattened ? undefined : (shape.member.wire ?? 'member')
}

/** 1, 2, 3 … without a gap: what stands behind a gap is dropped by some readers and moved up by others. */
function numbered(node: Node, path: string): readonly Node[] {
  const members = Array.from({ length: node.below.size }, (_, i) => node.below.get(String(i + 1)))
  const found = members.filter((one) => one !== undefined)
  if (found.length !== members.length)
    throw new Misread(`The members of ${quoted(path)} are numbered 1, 2, 3 and so on.`)
  return found
}

/** The form that says exactly this. */
export function writeForm(
  head: readonly (readonly [string, string])[],
  args: JsonObject,
  input: string | undefined,
  shapes: Shapes,
  dialect: Dialect,
): string {
  const fields: [string, string][] = head.map(([name, value]) => [name, value])
  const shape = input === undefined ? emptyStructure : shapes.get(input)
  write(args, shape, '', shapes, dialect, fields)
  return fields.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
}

function write(
  value: JsonValue,
  shape: Shape | undefined,
  path: string,
  shapes: Shapes,
  dialect: Dialect,
  into: [string, string][],
): void {
  const at = (part: string): string => (path === '' ? part : `${path}.${part}`)
  const one = (inner: JsonValue, { type }: Reference, where: string): void => {
    if (isScalar(type)) into.push([where, writeScalar(inner)])
    else write(inner, shapes.get(type), where, shapes, dialect, into)
  }
  if (shape === undefined || value === null || typeof value !== 'object')
    throw new Error(`${path} does not have the shape that it was read with`)
  const between = betweenOf(shape, dialect)
  const inside = between === undefined ? at : (part: string) => at(`${between}.${part}`)
  if (shape.kind === 'list') {
    if (!Array.isArray(value)) throw new Error(`${path} is not the list that it was read as`)
    for (const [i, inner] of value.entries()) one(inner, shape.member, inside(String(i + 1)))
    return
  }
  let index = 0
  for (const [name, inner] of Object.entries(value)) {
    if (shape.kind === 'map') {
      const entry = inside(String(++index))
      into.push([`${entry}.${shape.key.wire ?? 'key'}`, name])
      one(inner, shape.value, `${entry}.${shape.value.wire ?? 'value'}`)
      continue
    }
    const member = shape.members.get(name)
    if (member === undefined) throw new Error(`${path} has no member ${name}`)
    one(inner, member, at(member.wire ?? name))
  }
}

/** RFC 3986: everything but the unreserved characters. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
