/**
 * DynamoDB's JSON, held against the operation's own argument types: a member that the model does not have, or a value of
 * another type, is refused. What is forwarded is written from the value that was read.
 */
import type { JsonValue } from '../../core/operation.ts'
import { quoted } from '../rest/refusal.ts'
import { isScalar, type Reference, type Scalar, type Shapes } from './shape.ts'

/** What is wrong with it; undefined where nothing is. `json.ts` has bounded its depth. */
export function flawOf(
  value: JsonValue,
  { type }: Pick<Reference, 'type'>,
  shapes: Shapes,
  path: string,
): string | undefined {
  // As a member that is not there.
  if (value === null) return undefined
  if (isScalar(type))
    return fits(value, type) ? undefined : `${quoted(path)} is not a value of its type`
  const shape = shapes.get(type)
  if (shape === undefined || typeof value !== 'object') return `${quoted(path)} is not of its type`
  if (shape.kind === 'list') {
    if (!Array.isArray(value)) return `${quoted(path)} is a list`
    for (const [i, one] of value.entries()) {
      const flaw = flawOf(one, shape.member, shapes, `${path}.${i}`)
      if (flaw !== undefined) return flaw
    }
    return undefined
  }
  if (Array.isArray(value)) return `${quoted(path)} is an object`
  for (const [name, one] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`
    const reference = shape.kind === 'map' ? shape.value : shape.members.get(name)
    if (reference === undefined) return `${quoted(at)} is not an argument of this operation`
    const flaw = flawOf(one, reference, shapes, at)
    if (flaw !== undefined) return flaw
  }
  return undefined
}

function fits(value: JsonValue, type: Scalar): boolean {
  switch (type) {
    case 's':
    case 'x':
      return typeof value === 'string'
    case 'i':
    case 'd':
    case 't':
      return typeof value === 'number'
    case 'b':
      return typeof value === 'boolean'
  }
}
