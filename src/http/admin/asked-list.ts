/** The list of what waits for a person, or did: the same route for each kind, filtered by state, agent and environment. */
import Type, { type TSchema } from 'typebox'
import type { AgentId, EnvironmentId } from '../../ids.ts'
import { pageOf } from '../cursor.ts'
import type { Deps } from '../deps.ts'
import type { App } from '../realm.ts'
import { answers, closed, id, page, PageQuery } from '../schemas.ts'

export type AskedPage<State> = {
  readonly limit: number
  readonly after: string
  readonly state: State | undefined
  readonly agentId: AgentId | undefined
  readonly environmentId: EnvironmentId | undefined
}

export function askedListRoute<State extends string, Item extends { readonly id: string }>(
  app: App,
  deps: Deps,
  options: {
    /** `approvals`: the path below /v1, and with the filters what a cursor is bound to. */
    readonly noun: string
    readonly action: string
    readonly operationId: string
    readonly summary: string
    readonly states: readonly State[]
    readonly schema: TSchema
    /** At most `limit` of them, whose ids come after `after`. */
    readonly rows: (page: AskedPage<State>) => Promise<readonly Item[]>
    /** As `schema` shows it: what the schema does not name is not sent. */
    readonly view: (item: Item) => object
  },
): void {
  const { noun, action, operationId, summary, states, rows, view } = options
  app.get(
    `/v1/${noun}`,
    {
      config: { action, roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId,
        summary,
        querystring: closed({
          ...PageQuery,
          state: Type.Optional(Type.Union(states.map((state) => Type.Literal(state)))),
          agent: Type.Optional(id('agent')),
          environment: Type.Optional(id('environment')),
        }),
        response: answers(200, page(options.schema)),
      },
    },
    (request) => {
      const { state, agent, environment } = request.query
      const list = `${noun} ${state ?? ''} ${agent ?? ''} ${environment ?? ''}`
      const filters = {
        state,
        agentId: agent as AgentId | undefined,
        environmentId: environment as EnvironmentId | undefined,
      }
      return pageOf(
        deps.cursors,
        list,
        request.query,
        (asked) => rows({ ...asked, ...filters }),
        view,
      )
    },
  )
}
