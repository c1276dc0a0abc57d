/**
 * A condition of a trust rule as it is typed: `claim=value`, `claim=a|b`, `claim^=text/`, or JSON where a value holds
 * one of these signs or is no text. A value is always text unless it was written as JSON: most claims are, ids among
 * them, and "123" is not 123.
 */
import { conditionFault, type ClaimCondition } from '../core/claim-condition.ts'
import { usage } from './failure.ts'

export function readCondition(given: string): ClaimCondition {
  const condition = given.startsWith('{') ? fromJson(given) : fromText(given)
  const fault = conditionFault(condition)
  if (fault !== undefined) throw usage(`--where: ${fault}.`)
  return condition
}

function fromText(given: string): ClaimCondition {
  const match = /^([^=^]+)(\^?=)(.+)$/s.exec(given)
  const [, claim = '', sign, value = ''] = match ?? []
  if (match === null)
    throw usage('--where looks like claim=value, claim=a|b, or claim^=prefix/ for a prefix.')
  if (sign === '^=') return { claim, prefix: value }
  const values = value.split('|')
  return values.length > 1 ? { claim, oneOf: values } : { claim, equals: value }
}

function fromJson(given: string): ClaimCondition {
  const wrong = usage(
    '--where in JSON has claim, and one of equals, oneOf and prefix: {"claim":"sub","equals":"a|b"}',
  )
  let value: unknown
  try {
    value = JSON.parse(given)
  } catch {
    throw wrong
  }
  const scalar = (each: unknown): each is string | number | boolean =>
    ['string', 'number', 'boolean'].includes(typeof each)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong
  const { claim, equals, oneOf, prefix, ...more } = value as Record<string, unknown>
  if (
    typeof claim !== 'string' ||
    Object.keys(more).length > 0 ||
    (equals !== undefined && !scalar(equals)) ||
    (oneOf !== undefined && !(Array.isArray(oneOf) && oneOf.every(scalar))) ||
    (prefix !== undefined && typeof prefix !== 'string')
  )
    throw wrong
  return {
    claim,
    ...(equals === undefined ? {} : { equals }),
    ...(oneOf === undefined ? {} : { oneOf }),
    ...(prefix === undefined ? {} : { prefix }),
  }
}
