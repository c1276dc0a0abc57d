/**
 * One audit entry as one row that is read at a glance. What an agent wrote stands in its own column, never before what
 * the broker decided; of several operations the gravest come first, so that a harmless one cannot push a deletion out of
 * sight.
 */
import { child, record, records, shown, text, texts, type Shape } from './answer.ts'
import type { Column } from './table.ts'

export const auditColumns: readonly Column[] = [
  { title: 'TIME', most: 20 },
  { title: 'ACTOR', most: 24 },
  { title: 'DECISION', most: 14 },
  { title: 'ENVIRONMENT', most: 22 },
  { title: 'WHAT', most: 72 },
  { title: 'WHY', most: 160 },
]

/** The cells of an item of GET /v1/audit. */
export function auditRow(item: Shape): string[] {
  const entry = child(item, 'entry')
  return [
    shown(entry, 'at').replace(/\.[0-9]+Z$/, 'Z'),
    [child(entry, 'actor'), ...records(entry, 'onBehalfOf')].map(actor).join(' for '),
    shown(entry, 'result'),
    text(child(entry, 'environment'), 'name') ?? '–',
    what(entry),
    why(entry),
  ]
}

function actor(who: Shape): string {
  return `${shown(who, 'kind')} ${text(who, 'name') ?? shown(who, 'id')}`
}

function what(entry: Shape): string {
  switch (text(entry, 'kind')) {
    case 'decision': {
      const operations = records(entry, 'operations')
      if (text(entry, 'breakGlassId') !== undefined)
        return `BREAK-GLASS ${operationsOf(entry, operations)}`
      return operationsOf(entry, operations)
    }
    case 'lookup':
      return `look-up ${request(entry)}`
    case 'outcome':
      return `outcome ${outcome(entry)}`
    case 'issuance':
      return `capability ${texts(entry, 'verbs').join(' ')}${workload(child(entry, 'workload'))}`.trim()
    case 'sign_in':
      return 'sign-in'
    default: {
      const action = shown(entry, 'action')
      return `${loud.get(action) ?? ''}${action} ${text(entry, 'subject') ?? ''}`.trim()
    }
  }
}

/** Who a workload is by its issuer's word, which is not ours. */
function workload(who: Shape): string {
  const subject = text(who, 'subject')
  return subject === undefined ? '' : ` for ${subject} by ${shown(who, 'rule')}`
}

function operationsOf(entry: Shape, operations: readonly Shape[]): string {
  if (operations.length === 0) return request(entry)
  const ordered = [...operations].sort((a, b) => gravity(b) - gravity(a)).map(operation)
  return operations.length === 1
    ? ordered.join('')
    : `${String(operations.length)}: ${ordered.join(', ')}`
}

/** What nobody who reads the log may pass over. */
const loud: ReadonlyMap<string, string> = new Map([
  ['break_glass.ask', 'BREAK-GLASS '],
  ['break_glass.confirm', 'BREAK-GLASS '],
  ['break_glass.end', 'BREAK-GLASS '],
  ['passkey.allow', 'NEW PASSKEY '],
])

function request(entry: Shape): string {
  return `${shown(entry, 'method')} ${shown(entry, 'path')}`
}

const grave: Readonly<Record<string, number>> = { destructive: 8, admin: 4, secret: 2, write: 1 }

function effectsOf(operation: Shape): string[] {
  return [...new Set([...texts(operation, 'effects'), ...texts(operation, 'added')])]
}

function gravity(operation: Shape): number {
  return effectsOf(operation).reduce(
    (sum, effect) => sum + (Object.hasOwn(grave, effect) ? (grave[effect] ?? 0) : 0),
    0,
  )
}

function operation(shape: Shape): string {
  const resources = texts(shape, 'resources')
  return `${shown(shape, 'name')} [${effectsOf(shape).join(' ')}]${resources.length === 0 ? '' : ` ${resources.join(' ')}`}`
}

function outcome(entry: Shape): string {
  const status = text(entry, 'status')
  const latency = text(entry, 'latencyMs')
  return [
    status === undefined ? '' : `HTTP ${status}`,
    latency === undefined ? '' : `in ${String(Math.round(Number(latency)))} ms`,
  ]
    .filter((part) => part !== '')
    .join(' ')
}

function why(entry: Shape): string {
  const about = texts(entry, 'about')
  const glass = text(entry, 'breakGlassId')
  if (glass !== undefined) return ['no approval:', glass, ...about].join(' ')
  const reason = text(entry, 'reason') ?? text(entry, 'detail')
  const change = record(entry['change'])
  if (reason === undefined && text(entry, 'kind') === 'admin' && Object.keys(change).length > 0)
    return JSON.stringify(change)
  return [reason ?? '', ...about].filter((part) => part !== '').join(' ')
}
