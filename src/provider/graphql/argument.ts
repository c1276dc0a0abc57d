/** Reads what the catalogue says about arguments out of the coerced arguments of one root field. */
import type { Effect, JsonObject, JsonValue, ResourceRef } from '../../core/operation.ts'
import type { AddedEffect, RootField } from './catalogue.ts'

export type ReadArguments =
  | {
      readonly ok: true
      readonly resources: readonly ResourceRef[]
      readonly added: readonly Effect[]
    }
  | { readonly ok: false; readonly detail: string }

/** Every value at a path, lists on the way walked. Absent where nothing stands there. */
export function valuesAt(value: JsonValue | undefined, path: readonly string[]): JsonValue[] {
  if (value === undefined) return []
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path))
  const [head, ...rest] = path
  if (head === undefined) return [value]
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, head)) return []
  return valuesAt(value[head], rest)
}

export function readArguments(field: RootField, args: JsonObject): ReadArguments {
  const resources: ResourceRef[] = []
  const added = new Set<Effect>()
  for (const argument of field.ids) {
    if (argument.role === 'none') continue
    const widened =
      argument.targetWhen !== undefined &&
      valuesAt(args, argument.targetWhen).some((value) => value !== null && value !== false)
    for (const id of valuesAt(args, argument.path)) {
      if (id === null) continue
      // The schema types every id argument as String or ID; anything else is a hole in the catalogue.
      if (typeof id !== 'string')
        return { ok: false, detail: `The argument ${argument.path.join('.')} is not an id.` }
      resources.push({
        kind: argument.kind,
        id,
        role: widened ? 'target' : argument.role,
        path: argument.path.join('.'),
      })
    }
  }
  for (const rule of field.adds) if (holds(rule, args)) added.add(rule.effect)
  if (field.payload !== undefined) {
    const path = field.payload.path
    const [value] = path.length === 1 ? [args[path[0] ?? '']] : valuesAt(args, path)
    const reading = field.payload.read(value, path.join('.'))
    if (!reading.ok) return reading
    resources.push(...reading.ids)
    for (const effect of reading.added) added.add(effect)
  }
  return { ok: true, resources, added: [...added] }
}

function holds(rule: AddedEffect, args: JsonObject): boolean {
  const values = valuesAt(args, rule.path).filter((value) => value !== null)
  if (rule.when === 'absent') return values.length === 0
  if (rule.when === 'present') return values.length > 0
  if ('is' in rule.when) {
    const { is } = rule.when
    return values.some((value) => value === is)
  }
  const { not } = rule.when
  return values.length === 0 || values.some((value) => value !== not)
}
