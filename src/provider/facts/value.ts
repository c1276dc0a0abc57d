/**
 * How what a provider answered is put into words. Its texts are bounded and quoted as JSON, so that none can pose as the
 * words around it; they are made visible where they are shown. What does not have the expected form is told as that.
 */
import { valuesAt as argumentsAt } from '../../core/condition.ts'
import { clipped, shownLimits } from '../../core/approval-facts.ts'
import type { JsonObject } from '../../core/operation.ts'
import { spelling, valuesAt } from '../answer.ts'
import type { Field, Same, Unit } from './rule.ts'

/** Names that one fact lists. */
export const mostNames = 12

/** A name that cannot pose as the words around it. */
export function quotedName(name: string): string {
  return JSON.stringify(clipped(name, shownLimits.name))
}

/** `3 h old`; what is dated in the future, by more than clocks differ, has no age. */
export function age(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000)
  if (minutes < -5) return 'dated in the future'
  if (minutes < 120) return `${String(Math.max(0, minutes))} min old`
  const hours = Math.floor(minutes / 60)
  return hours < 72 ? `${String(hours)} h old` : `${String(Math.floor(hours / 24))} days old`
}

/** `2026-04-25 12:00 UTC (3 h old)`. Both in milliseconds since the epoch. */
export function moment(at: number, date: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC (${age(date - at)})`
}

export function size(megabytes: number): string {
  const [number, unit] = megabytes < 1_000 ? [megabytes, 'MB'] : [megabytes / 1_000, 'GB']
  return `${rounded(number)} ${unit}`
}

/** What is little is not told as nothing. */
function rounded(number: number): string {
  return String(number < 1 ? Number(number.toPrecision(2)) : Math.round(number * 10) / 10)
}

/** Milliseconds since the epoch; undefined for what is no time that a calendar has. */
export function timeOf(value: unknown, as: 'time' | 'seconds'): number | undefined {
  const at =
    as === 'seconds'
      ? typeof value === 'number'
        ? value * 1000
        : Number.NaN
      : typeof value === 'string' && isoTime.test(value)
        ? Date.parse(zoned.test(value) ? value : `${value}Z`)
        : Number.NaN
  return Number.isFinite(at) && Math.abs(at) < 8.64e15 ? at : undefined
}

const isoTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})?$/
const zoned = /(?:Z|[+-]\d{2}:?\d{2})$/

/** `size 100 GB`; `region not told` where the answer does not have it. */
export function fieldOf(json: unknown, field: Field, date: number): string {
  const values = valuesAt(json, field.at)
  const told = values.slice(0, mostNames).map((value) => valueOf(value, field, date))
  const more = values.length - told.length
  if (more > 0) told.push(`and ${String(more)} more`)
  return `${field.label} ${told.length === 0 ? 'not told' : told.join(', ')}`
}

function valueOf(value: unknown, { unit, as }: Field, date: number): string {
  if (as !== undefined) {
    const at = timeOf(value, as)
    return at === undefined ? 'not readable' : moment(at, date)
  }
  if (unit !== undefined) return sizeOf(value, unit)
  if (typeof value === 'string') return quotedName(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return 'not readable'
}

function sizeOf(value: unknown, unit: Unit): string {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number) || number < 0) return 'not readable'
  if (unit === 'bytes') return size(number / 1e6)
  if (unit === 'KB') return size(number / 1e3)
  return `${rounded(number)} ${unit}`
}

/** Undefined where an argument that it names is not there, is there several times, or is no id. */
export function filled(template: string, args: JsonObject): string | undefined {
  let whole = true
  const text = template.replace(/\{([^{}]+)\}/g, (_, path: string) => {
    const values = argumentsAt(args, path.split('.'), 'lenient')
    const [value] = values.map(spelling)
    if (values.length !== 1 || value === undefined) whole = false
    return value ?? ''
  })
  return whole ? text : undefined
}

/** Whether what it says there is what the request's arguments say that it has to be. */
export function isSame(json: unknown, { at, is, caseless }: Same, args: JsonObject): boolean {
  const [value, ...others] = valuesAt(json, at)
  const found = others.length === 0 ? spelling(value) : undefined
  const wanted = filled(is, args)
  if (found === undefined || wanted === undefined) return false
  return caseless === true ? found.toLowerCase() === wanted.toLowerCase() : found === wanted
}
