/**
 * Arguments, exactly: as JSON, one member a line, with every text in it made visible. Nothing in a text can pass for
 * another member: it stands in quotation marks that it cannot close, has no line break, and where a screen breaks it, the
 * rest is set in further than any line begins.
 */
import type { Canonical } from '../../core/canonical.ts'
import { shownLimits } from '../../core/approval-facts.ts'
import { markup, outsideQuoted, type Markup } from './markup.ts'

/** The longest text there can be: a request with longer arguments is not parked. */
const longestText = shownLimits.arguments
/** Deeper than this the rest stands on one line: what nobody can follow must not push the page apart. */
const deepest = 12

export function shownArguments(value: Canonical): Markup {
  return markup`<div class="json" dir="ltr">${lines(value, markup``, markup``, 0)}</div>`
}

function lines(value: Canonical, before: Markup, after: Markup, depth: number): Markup {
  if (value === null || typeof value !== 'object')
    return markup`<div class="line">${before}${scalar(value)}${after}</div>`
  const members: readonly (readonly [Markup, Canonical])[] = Array.isArray(value)
    ? (value as readonly Canonical[]).map((item) => [markup``, item])
    : Object.entries(value as Readonly<Record<string, Canonical | undefined>>)
        .filter((entry): entry is [string, Canonical] => entry[1] !== undefined)
        .map(([key, member]) => [markup`${outsideQuoted(key, longestText)}: `, member])
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  if (members.length === 0) return markup`<div class="line">${before}${open}${close}${after}</div>`
  if (depth >= deepest)
    return markup`<div class="line">${before}${outsideQuoted(JSON.stringify(value), longestText)}${after} (as text)</div>`
  const inner = members.map(([name, member], i) =>
    lines(member, name, i === members.length - 1 ? markup`` : markup`,`, depth + 1),
  )
  return markup`<div class="line">${before}${open}</div><div class="in">${inner}</div><div class="line">${close}${after}</div>`
}

function scalar(value: null | boolean | number | string): Markup {
  return typeof value === 'string'
    ? markup`<span class="text">${outsideQuoted(value, longestText)}</span>`
    : markup`${String(value)}`
}
