/** Reading the audit log. */
import Type from 'typebox'
import { entryKinds } from '../../audit/entry.ts'
import { readAudit, type StoredEntry } from '../../audit/read.ts'
import { Problem } from '../../problem.ts'
import { pageOf } from '../cursor.ts'
import type { Deps } from '../deps.ts'
import type { App } from '../realm.ts'
import { answers, closed, id, page, PageQuery, Timestamp } from '../schemas.ts'

const EntryView = closed({
  id: Type.Integer({ description: 'The order in which the database took it.' }),
  entry: Type.Object({}, { additionalProperties: true, description: 'The fact itself.' }),
  leaf_hash: Type.String({
    description: 'SHA-256 of 0x00 and the canonical entry (RFC 6962 §2.1), in hex.',
  }),
})

function view(stored: StoredEntry) {
  return {
    id: stored.id,
    entry: JSON.parse(stored.canonical) as Record<string, unknown>,
    leaf_hash: stored.leafHash.toString('hex'),
  }
}

/** RFC 3339 allows a leap second, which no Date can be. */
function moment(name: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const date = new Date(text)
  if (!Number.isNaN(date.getTime())) return date
  const detail = 'is not a moment that can be compared'
  throw new Problem('invalid_request', {
    detail: `query ${name} ${detail}`,
    errors: [{ pointer: `/${name}`, detail }],
  })
}

export function auditRoutes(app: App, deps: Deps): void {
  app.get(
    '/v1/audit',
    {
      config: { action: 'audit.read', roles: ['admin', 'auditor'] },
      schema: {
        operationId: 'readAudit',
        summary: 'Read the audit log, newest first; with "after", oldest first from there',
        querystring: closed({
          ...PageQuery,
          after: Type.Optional(
            Type.String({
              pattern: '^[0-9]{1,15}$',
              description: 'Entries newer than this id, for following the log.',
            }),
          ),
          kind: Type.Optional(Type.Union(entryKinds.map((kind) => Type.Literal(kind)))),
          actor: Type.Optional(
            Type.String({
              maxLength: 60,
              description: 'An id: what they did themselves, and what was done on their behalf.',
            }),
          ),
          environment: Type.Optional(id('environment')),
          correlation: Type.Optional(id('correlation')),
          result: Type.Optional(Type.String({ pattern: '^[a-z_]{1,40}$' })),
          since: Type.Optional(Timestamp),
          until: Type.Optional(Timestamp),
        }),
        response: answers(200, page(EntryView)),
      },
    },
    (request) => {
      const { limit: _, cursor: _c, after: from, ...filter } = request.query
      const list = `audit ${JSON.stringify([from ?? null, filter])}`
      return pageOf(
        deps.cursors,
        list,
        request.query,
        ({ limit, after: last }) => {
          // From somewhere on it is read forwards, else from the newest backwards.
          const at = last === '' ? from : last
          const position = at === undefined ? undefined : Number(at)
          return readAudit(
            deps.db,
            {
              kind: filter.kind,
              actorId: filter.actor,
              environmentId: filter.environment,
              correlationId: filter.correlation,
              result: filter.result,
              since: moment('since', filter.since),
              until: moment('until', filter.until),
            },
            { limit, ...(from === undefined ? { before: position } : { after: position }) },
          )
        },
        view,
      )
    },
  )
}
