/**
 * What the SQL in a request does, in place of what its route says: `database/query` takes any text, and `select` and
 * `drop` look alike to a rule about paths. The effects of the text are added, so that a verb must name them
 * (`v1-run-a-query+write`). The body's `read_only` is the server's promise and takes nothing away here: a function may
 * act outside of the transaction, and a server that does not know the field runs the text as it is.
 */
import type { Effect, JsonObject } from '../../core/operation.ts'
import type { RestOperation } from '../rest/catalogue.ts'
import type { Inspected } from '../rest/identify.ts'
import { classifySql } from './sql/classify.ts'

/** By operation, the members of its body that are SQL, and whether one has to be there. */
const texts: Readonly<Record<string, Readonly<Record<string, 'required' | 'optional'>>>> = {
  'v1-run-a-query': { query: 'required' },
  'v1-read-only-query': { query: 'required' },
  // The text of a rollback is kept, and run when somebody rolls back.
  'v1-apply-a-migration': { query: 'required', rollback: 'optional' },
  'v1-upsert-a-migration': { query: 'required', rollback: 'optional' },
  'v1-patch-a-migration': { rollback: 'optional' },
}

export const sqlOperations: readonly string[] = Object.keys(texts)

/** Synchronous, after `prepareSql`. */
export function inspect({ name }: RestOperation, args: JsonObject): Inspected {
  const members = Object.hasOwn(texts, name) ? texts[name] : undefined
  const added = new Set<Effect>()
  const { body } = args
  for (const [member, need] of Object.entries(members ?? {})) {
    const value =
      typeof body === 'object' && body !== null && !Array.isArray(body) ? body[member] : undefined
    if (need === 'optional' && (value === undefined || value === null || value === '')) continue
    if (typeof value !== 'string')
      return { ok: false, detail: `The ${member} of ${name} must be a text of SQL.` }
    const found = classifySql(value)
    if (!found.ok) return { ok: false, detail: found.detail }
    for (const effect of found.effects) if (effect !== 'read') added.add(effect)
  }
  return { ok: true, added: [...added] }
}
