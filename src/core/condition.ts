/**
 * One form for every question about an operation's arguments: which path, which values. A catalogue uses it to say what
 * an argument adds to its operation (`Condition`), a grant to say what it must be (`Constraint`), for REST and GraphQL
 * alike. The two fail closed in opposite directions, so there are two ways of asking: a condition holds where its test
 * *could* be met, a constraint only where it *surely* is. What cannot be compared is therefore dangerous to the one and
 * forbidden by the other.
 */
import { fold, isUnder, namesLike } from './text.ts'
import type { Effect, JsonObject, JsonValue } from './operation.ts'

/**
 * `path` is a dotted path into the invocation's arguments: `body.replicas`, `input.environmentId`; `*` is every member of
 * a list or an object. At least one value must stand there; every test that is given is asked of it. Without a test it
 * asks whether anything stands there at all.
 */
export type ArgumentTest = {
  readonly path: string
  readonly equals?: JsonValue
  readonly oneOf?: readonly JsonValue[]
  /** Anything but these. */
  readonly noneOf?: readonly JsonValue[]
  /** Numbers, inclusive. */
  readonly max?: number
  readonly min?: number
  /** A text that holds this one. */
  readonly contains?: string
  /** A path of a file that is one of these or lies below one, however it is spelled. */
  readonly under?: readonly string[]
  /** A text that is another than the argument of that name. */
  readonly differsFrom?: string
  /** `owner:branch` whose owner is another than the argument of that name. */
  readonly ownerDiffersFrom?: string
  /** An object that has a member other than these: what was not reviewed, whatever it will be called. */
  readonly beyond?: readonly string[]
  /** An object without this member, where its absence means something. */
  readonly lacks?: string
}

/** What an argument changes. Without a `path` it always holds. */
export type Condition = Partial<ArgumentTest> & {
  readonly adds?: readonly Effect[]
  /** What it reaches beyond its own ids: one sentence. */
  readonly widens?: string
}

export type Consequences = { readonly added: readonly Effect[]; readonly widens: readonly string[] }

export function consequences(conditions: readonly Condition[], args: JsonObject): Consequences {
  const added: Effect[] = []
  const widens: string[] = []
  for (const condition of conditions) {
    if (!mayHold(condition, args)) continue
    for (const effect of condition.adds ?? []) if (!added.includes(effect)) added.push(effect)
    const { widens: edge } = condition
    if (edge !== undefined && !widens.includes(edge)) widens.push(edge)
  }
  return { added, widens }
}

/** Whether some value at the path could meet every test. */
export function mayHold(test: Partial<ArgumentTest>, args: JsonObject): boolean {
  const { path } = test
  if (path === undefined) return true
  return valuesAt(args, path.split('.'), 'lenient').some((value) => couldMeet(value, test, args))
}

/** Whether there is a value at the path, and every one surely meets every test. A test of nothing is met by nothing. */
export function surelyHolds(test: ArgumentTest, args: JsonObject): boolean {
  if (!testsSomething(test)) return false
  const values = valuesAt(args, test.path.split('.'))
  return values.length > 0 && values.every((value) => surelyMeets(value, test, args))
}

/** Whether it asks more than that something stands there. */
export function testsSomething(test: ArgumentTest): boolean {
  const { path: _, ...tests } = test
  return testNames.some((name) => tests[name] !== undefined)
}

export const testNames = [
  'equals',
  'oneOf',
  'noneOf',
  'max',
  'min',
  'contains',
  'under',
  'differsFrom',
  'ownerDiffersFrom',
  'beyond',
  'lacks',
] as const satisfies readonly (keyof ArgumentTest)[]

/**
 * Every value that the path leads to; `*` is every member, whether of a list or, as some servers read it, an object. To a
 * lenient reader a single value is also the list of it, whatever was to be found in its items; a list is also what it
 * holds, and a member goes by every name that some server takes for its own. A strict one has what else may be taken for
 * the member beside it. Conditions and ids have the one lenient reader: what adds an effect and what names a place must
 * not be seen by one of the two alone.
 */
export function valuesAt(
  value: JsonValue,
  path: readonly string[],
  reader: 'strict' | 'lenient' = 'strict',
  /** Whether a name led here. Below `*` any scalar would do for a list, and every request has some. */
  byName = true,
): readonly JsonValue[] {
  const [key, ...rest] = path
  if (key === undefined) return [value]
  if (value === null || typeof value !== 'object') {
    if (key !== '*' || reader === 'strict') return []
    return rest.length === 0 || (byName && value !== null) ? [value] : []
  }
  if (key === '*') {
    const members = Object.values(value).flatMap((member) => valuesAt(member, rest, reader, false))
    const single = reader === 'lenient' && !Array.isArray(value) && mayBeNamed(rest[0])
    return single ? [...members, ...valuesAt(value, rest, reader)] : members
  }
  if (Array.isArray(value))
    return reader === 'lenient' ? value.flatMap((member) => valuesAt(member, path, reader)) : []
  const next = Object.hasOwn(value, key) ? value[key] : undefined
  if (next === undefined && reader === 'strict') return []
  const exact = next === undefined ? [] : valuesAt(next, rest, reader)
  const others = namesLike(value, key)
  if (others.length === 0) return exact
  return [...exact, ...others.flatMap((name) => valuesAt(value[name] ?? null, rest, reader))]
}

/** Not at another `*`: each of them would look at everything once more. */
function mayBeNamed(next: string | undefined): boolean {
  return next !== undefined && next !== '*'
}

/** Texts are compared as the most forgiving server would; a value of another type than was expected meets the test. */
function couldMeet(value: JsonValue, test: Partial<ArgumentTest>, args: JsonObject): boolean {
  const { equals, oneOf, noneOf, max, min, contains, under, differsFrom, ownerDiffersFrom } = test
  const { beyond, lacks } = test
  const texts = [contains, under, differsFrom, ownerDiffersFrom]
  const alike = (expected: JsonValue): boolean => couldEqual(value, expected)
  if (equals !== undefined && !alike(equals)) return false
  if (oneOf !== undefined && !oneOf.some(alike)) return false
  if (noneOf?.some((excluded) => sameJson(value, excluded)) === true) return false
  // `Number` reads '', ' 0 ' and '0x0' as servers with loose types do; what it cannot read may be anything.
  if (max !== undefined && value !== null && Number(value) > max) return false
  if (min !== undefined && value !== null && Number(value) < min) return false
  if (beyond !== undefined && !(isObject(value) ? hasBeyond(value, beyond) : value !== null))
    return false
  if (lacks !== undefined && isObject(value) && Object.hasOwn(value, lacks)) return false
  if (typeof value !== 'string') return value !== null || texts.every((text) => text === undefined)
  if (contains !== undefined && !value.includes(contains)) return false
  if (under !== undefined && !under.some((root) => isUnder(value, root))) return false
  if (differsFrom !== undefined && fold(value) === own(args, differsFrom)) return false
  return ownerDiffersFrom === undefined || ownerDiffers(value, own(args, ownerDiffersFrom))
}

function couldEqual(value: JsonValue, expected: JsonValue): boolean {
  if (value === null || expected === null) return value === expected
  if (typeof value === 'string' && typeof expected === 'string')
    return fold(value) === fold(expected)
  if (typeof value === typeof expected && typeof value !== 'object') return value === expected
  // 'true' for true, '0' for 0: what a server with loose types makes of it is not known.
  return true
}

function surelyMeets(value: JsonValue, test: ArgumentTest, args: JsonObject): boolean {
  const { equals, oneOf, noneOf, max, min, contains, under, differsFrom, ownerDiffersFrom } = test
  const { beyond, lacks } = test
  if (equals !== undefined && !sameJson(value, equals)) return false
  if (oneOf !== undefined && !oneOf.some((allowed) => sameJson(value, allowed))) return false
  // An excluded value in another spelling is excluded too.
  if (noneOf?.some((excluded) => couldEqual(value, excluded)) === true) return false
  if (max !== undefined && !(typeof value === 'number' && value <= max)) return false
  if (min !== undefined && !(typeof value === 'number' && value >= min)) return false
  if (beyond !== undefined && !(isObject(value) && hasBeyond(value, beyond))) return false
  if (lacks !== undefined && !(isObject(value) && !Object.hasOwn(value, lacks))) return false
  const texts = [contains, under, differsFrom, ownerDiffersFrom]
  if (texts.every((text) => text === undefined)) return true
  if (typeof value !== 'string') return false
  if (contains !== undefined && !value.includes(contains)) return false
  if (under !== undefined && !under.some((root) => value === root || value.startsWith(`${root}/`)))
    return false
  if (differsFrom !== undefined && fold(value) === own(args, differsFrom)) return false
  return ownerDiffersFrom === undefined || ownerDiffers(value, own(args, ownerDiffersFrom))
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function hasBeyond(value: JsonObject, known: readonly string[]): boolean {
  return Object.keys(value).some((name) => !known.includes(name))
}

function ownerDiffers(value: string, owner: string | undefined): boolean {
  const [given = '', ...others] = value.split(':')
  if (others.length === 0) return false
  return others.length > 1 || fold(given) !== owner
}

function own(args: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(args, name) ? args[name] : undefined
  return typeof value === 'string' ? fold(value) : undefined
}

/** Equal as JSON: the order of an object's members means nothing. */
export function sameJson(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, i) => sameJson(item, b[i] ?? null))
    )
  }
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key] ?? null, b[key] ?? null))
  )
}
