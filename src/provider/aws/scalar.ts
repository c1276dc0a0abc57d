/** Texts of the wire that stand for numbers and booleans: exactly one spelling of each, so that all read the same. */
import type { JsonValue } from '../../core/operation.ts'
import { readValue } from '../rest/query.ts'
import type { Scalar } from './shape.ts'

/** Undefined where the text is no value of the type. Times and bytes stay the texts they are. */
export function readScalar(text: string, type: Scalar): JsonValue | undefined {
  switch (type) {
    case 's':
      return text
    case 'i':
      return readValue(text, 'integer')
    case 'b':
      return readValue(text, 'boolean')
    case 'd':
      // Numbers that JSON would write the same way.
      return /^-?[0-9]{1,15}(?:\.[0-9]{1,15})?$/.test(text) && String(Number(text)) === text
        ? Number(text)
        : undefined
    case 't':
      return /^[A-Za-z0-9 ,:.+-]{1,40}$/.test(text) ? text : undefined
    case 'x':
      return /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? text : undefined
  }
}

/** @throws where it was not read as a scalar. */
export function writeScalar(value: JsonValue): string {
  if (value === null || typeof value === 'object') throw new Error('this is not a scalar')
  return String(value)
}
