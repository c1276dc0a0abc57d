/**
 * XML bodies of S3, read into the operation's own argument types and written anew from them. An element that the model
 * does not have, one that comes twice where one is meant, another namespace or an attribute with a meaning is refused.
 */
import type { JsonObject, JsonValue } from '../../core/operation.ts'
import { quoted } from '../rest/refusal.ts'
import { readScalar, writeScalar } from './scalar.ts'
import { isScalar, type Reference, type Shape, type Shapes } from './shape.ts'
import { childrenOf, escapeXml, parseXml, type Element } from './xml.ts'

const s3Namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'
const instanceNamespace = 'http://www.w3.org/2001/XMLSchema-instance'

type Read =
  { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly detail: string }

class Misread extends Error {}

/** `root`: the name of the outermost element, and the type of what it holds. */
export function readXmlBody(
  text: string,
  root: { name: string; reference: Reference },
  shapes: Shapes,
): Read {
  const element = parseXml(text)
  if (element === undefined) {
    return {
      ok: false,
      detail:
        'the body is not XML of the kind that is read here: elements and text, no document type, CDATA or comments',
    }
  }
  try {
    if (element.name !== root.name)
      throw new Misread(`the body's outermost element is ${root.name}`)
    return { ok: true, value: readElement(element, root.reference, shapes) }
  } catch (error) {
    if (error instanceof Misread) return { ok: false, detail: error.message }
    throw error
  }
}

function readElement(element: Element, { type }: Reference, shapes: Shapes): JsonValue {
  const shape = isScalar(type) ? undefined : shapes.get(type)
  const attributes = shape?.kind === 'structure' ? attributesOf(shape) : new Map<string, string>()
  const object: JsonObject = {}
  for (const [name, value] of element.attributes) {
    if (name === 'xmlns' && value === s3Namespace) continue
    if (name === 'xmlns:xsi' && value === instanceNamespace) continue
    const member = attributes.get(name)
    if (member === undefined) throw new Misread(`the attribute ${quoted(name)} is not read here`)
    object[member] = value
  }
  if (isScalar(type)) {
    if (element.children.length > 0) throw new Misread(`${quoted(element.name)} is one value`)
    const value = readScalar(element.text, type)
    if (value === undefined) throw new Misread(`${quoted(element.name)} is not a value of its type`)
    return value
  }
  if (shape === undefined || element.text.trim() !== '')
    throw new Misread(`${quoted(element.name)} holds elements, and no text`)
  if (shape.kind === 'list') {
    const name = shape.member.wire ?? 'member'
    if (childrenOf(element, name).length !== element.children.length)
      throw new Misread(`${quoted(element.name)} holds ${name} and nothing else`)
    return element.children.map((child) => readElement(child, shape.member, shapes))
  }
  if (shape.kind === 'map') throw new Misread(`${quoted(element.name)} is not read here`)
  for (const child of element.children) {
    const name = shape.byWire.get(child.name)
    const member = name === undefined ? undefined : shape.members.get(name)
    if (name === undefined || member === undefined || member.location !== undefined)
      throw new Misread(`${quoted(child.name)} is not an element of ${quoted(element.name)}`)
    const list = flattened(member, shapes)
    if (list !== undefined) {
      const members = (object[name] ??= []) as JsonValue[]
      members.push(readElement(child, list, shapes))
    } else {
      if (Object.hasOwn(object, name)) throw new Misread(`${quoted(child.name)} comes twice`)
      object[name] = readElement(child, member, shapes)
    }
  }
  return object
}

/** The type of one member, where a list stands without an element around it. */
function flattened({ type }: Reference, shapes: Shapes): Reference | undefined {
  const shape = isScalar(type) ? undefined : shapes.get(type)
  return shape?.kind === 'list' && shape.flattened ? shape.member : undefined
}

function attributesOf(shape: Extract<Shape, { kind: 'structure' }>): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [name, { location, wire }] of shape.members)
    if (location === 'attribute') found.set(wire ?? name, name)
  return found
}

export function writeXmlBody(
  value: JsonValue,
  root: { name: string; reference: Reference },
  shapes: Shapes,
): string {
  return `<?xml version="1.0" encoding="UTF-8"?>${writeElement(root.name, ` xmlns="${s3Namespace}"`, value, root.reference, shapes)}`
}

function writeElement(
  name: string,
  attributes: string,
  value: JsonValue,
  { type }: Reference,
  shapes: Shapes,
): string {
  if (isScalar(type)) return `<${name}${attributes}>${escapeXml(writeScalar(value))}</${name}>`
  const shape = shapes.get(type)
  if (shape?.kind === 'list' && Array.isArray(value)) {
    const own = shape.member.wire ?? 'member'
    const inner = value.map((one) => writeElement(own, '', one, shape.member, shapes)).join('')
    return `<${name}${attributes}>${inner}</${name}>`
  }
  if (shape?.kind !== 'structure' || value === null || typeof value !== 'object')
    throw new Error(`${name} does not have the shape that it was read with`)
  let inner = ''
  let own = attributes
  for (const [key, below] of Object.entries(value)) {
    const member = shape.members.get(key)
    if (member === undefined) throw new Error(`${name} has no member ${key}`)
    const wire = member.wire ?? key
    const list = flattened(member, shapes)
    if (member.location === 'attribute')
      own += ` xmlns:xsi="${instanceNamespace}" ${wire}="${escapeXml(writeScalar(below))}"`
    else if (list !== undefined && Array.isArray(below))
      inner += below.map((one) => writeElement(wire, '', one, list, shapes)).join('')
    else inner += writeElement(wire, '', below, member, shapes)
  }
  return `<${name}${own}>${inner}</${name}>`
}
