/** Constraints as they are typed: `path=value`, `path<=number`, `path>=number`, `path=[a,b]` in JSON, or all of it in JSON. */
import type { Constraint } from '../core/grant.ts'
import { usage } from './failure.ts'

const form = /^([A-Za-z0-9_-]+(?:\.(?:[A-Za-z0-9_-]+|\*))*)(<=|>=|=)(.*)$/s
const members = ['path', 'operations', 'equals', 'oneOf', 'noneOf', 'max', 'min']

type Scalar = string | number | boolean | null

export function readConstraint(given: string): Constraint {
  if (given.startsWith('{')) return readJson(given)
  const match = form.exec(given)
  const [, path, test, value] = match ?? []
  if (path === undefined || test === undefined || value === undefined) {
    throw usage(
      '--constraint must look like path=value, path<=10, path>=1, path=["a","b"], or be a JSON object.',
    )
  }
  if (test !== '=') {
    const limit = Number(value)
    if (value.trim() === '' || !Number.isFinite(limit))
      throw usage(`--constraint ${path}${test} needs a number.`)
    return test === '<=' ? { path, max: limit } : { path, min: limit }
  }
  if (value.startsWith('[')) {
    const list = parse(value)
    if (!Array.isArray(list) || list.length === 0 || !list.every(isScalar))
      throw usage(
        `--constraint ${path}=[…] must be a JSON list of texts, numbers, true, false or null.`,
      )
    return { path, oneOf: list }
  }
  return { path, equals: readScalar(value) }
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

/**
 * `true`, `null`, `12` and `"quoted"` are read as JSON, anything else is text. A number that would not come back as it
 * was typed, such as a long id, is text too.
 */
function readScalar(value: string): Scalar {
  const read = parse(value)
  if (!isScalar(read)) return value
  return typeof read === 'number' && String(read) !== value ? value : read
}

function readJson(given: string): Constraint {
  const value = parse(given)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw usage('--constraint begins with { and is not a JSON object.')
  const strange = Object.keys(value).find((member) => !members.includes(member))
  if (strange !== undefined || typeof (value as { path?: unknown }).path !== 'string')
    throw usage(
      `--constraint as JSON has a "path", and of ${members.slice(1).join(', ')} what it tests.`,
    )
  // Its members' types are the broker's to check: it says which is wrong.
  return value as Constraint
}

/** The value, or undefined where it is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
