/** The list of what there is of a kind, page by page in the order of ids: the same route for every kind without filters. */
import type { TSchema } from 'typebox'
import type { FastifyContextConfig } from 'fastify'
import { pageOf } from '../cursor.ts'
import type { Deps } from '../deps.ts'
import type { App } from '../realm.ts'
import { answers, closed, page, PageQuery } from '../schemas.ts'

export function listRoute<Item extends { readonly id: string }>(
  app: App,
  deps: Deps,
  options: {
    /** `agents`: the path below /v1, and what a cursor is bound to. */
    readonly noun: string
    readonly action: string
    readonly roles: NonNullable<FastifyContextConfig['roles']>
    readonly operationId: string
    readonly summary: string
    readonly schema: TSchema
    /** At most `limit` of them, whose ids come after `after`. */
    readonly rows: (page: { limit: number; after: string }) => Promise<readonly Item[]>
    /** As `schema` shows it: what the schema does not name is not sent. */
    readonly view: (item: Item) => object
  },
): void {
  const { noun, action, roles, operationId, summary, rows, view } = options
  app.get(
    `/v1/${noun}`,
    {
      config: { action, roles },
      schema: {
        operationId,
        summary,
        querystring: closed(PageQuery),
        response: answers(200, page(options.schema)),
      },
    },
    (request) => pageOf(deps.cursors, noun, request.query, rows, view),
  )
}
