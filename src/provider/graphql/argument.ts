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
export function valuesAt(
  value: JsonValue | undefined,
  path: readonly string[],
  from = 0,
): readonly JsonValue[] {
  if (value === undefined) return none
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path, from))
  const head = path[from]
  if (head === undefined) return [value]
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, head)) return none
  return valuesAt(value[head], path, from + 1)
}

const none: readonly never[] = []

export function readArguments(field: RootField, args: JsonObject): ReadArguments {
  // Both are kept with the document: none is made where nothing is in it, and a list of one has room for one.
  let resources: ResourceRef[] | undefined
  let added: Effect[] | undefined
  const add = (effect: Effect): void => {
    if (added === undefined) added = [effect]
    else if (!added.includes(effect)) added.push(effect)
  }
  for (const argument of field.ids) {
    if (argument.role === 'none') continue
    const widened =
      argument.targetWhen !== undefined &&
      valuesAt(args, argument.targetWhen).some((value) => value !== null && value !== false)
    const path = spelled(argument.path)
    for (const id of valuesAt(args, argument.path)) {
      if (id === null) continue
      // The schema types every id argument as String or ID; anything else is a hole in the catalogue.
      if (typeof id !== 'string') return { ok: false, detail: `The argument ${path} is not an id.` }
      const role = widened ? 'target' : argument.role
      const resource: ResourceRef = { kind: argument.kind, id, role, path }
      if (resources === undefined) resources = [resource]
      else resources.push(resource)
    }
  }
  for (const rule of field.adds) if (holds(rule, args)) add(rule.effect)
  if (field.payload !== undefined) {
    const path = field.payload.path
    const [value] = path.length === 1 ? [args[path[0] ?? '']] : valuesAt(args, path)
    const reading = field.payload.read(value, spelled(path))
    if (!reading.ok) return reading
    resources = resources === undefined ? [...reading.ids] : [...resources, ...reading.ids]
    for (const effect of reading.added) add(effect)
  }
  return { ok: true, resources: resources ?? none, added: added ?? none }
}

function spelled(path: readonly string[]): string {
  return path.length === 1 ? (path[0] ?? '') : path.join('.')
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
