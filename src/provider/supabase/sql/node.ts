/** Looking into a parse node, whose JSON is known by shape only. An absent field and one of another kind read alike. */
import type { JsonObject, JsonValue } from '../../../core/operation.ts'

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : []
}

export function stringAt(value: JsonValue | undefined, field: string): string | undefined {
  const found = isObject(value) ? value[field] : undefined
  return typeof found === 'string' ? found : undefined
}

/** The node under its name, as in `{"FuncCall": {…}}`. */
export function nodeAt(value: JsonValue | undefined, name: string): JsonObject | undefined {
  const found = isObject(value) ? value[name] : undefined
  return isObject(found) ? found : undefined
}

/** `[{"String":{"sval":"a"}}, …]` as its strings. What is no string becomes a name that nothing has. */
export function namesOf(value: JsonValue | undefined): readonly string[] {
  return listOf(value).map((part) => stringAt(nodeAt(part, 'String'), 'sval') ?? '\0')
}

/** The name and the content of a node that stands under its name. */
export function unwrap(value: JsonValue): { name: string; node: JsonObject } | undefined {
  if (!isObject(value)) return undefined
  const [name, ...rest] = Object.keys(value)
  if (name === undefined || rest.length > 0 || !/^[A-Z]/.test(name)) return undefined
  const node = value[name]
  return isObject(node) ? { name, node } : undefined
}
