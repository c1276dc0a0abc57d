/**
 * Questions to Railway and what counts as an answer. A view is complete or it is nothing: an `errors` member, another
 * status, a missing field, a page that does not say whether it is the last, a cursor that repeats, an answer about
 * another id than was asked for: each of them is a failure, and a failure is denied.
 */
import type { Ask, RebuiltRequest } from '../adapter.ts'
import { Unestablished } from '../unestablished.ts'

/** Questions that one request may cost. */
export const askBudget = 20

export function question(query: string, variables: Record<string, unknown>): RebuiltRequest {
  return {
    method: 'POST',
    target: '/graphql/v2',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ query, variables })),
  }
}

export type Answer = Readonly<Record<string, unknown>>

export function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Asks and counts. One per request. */
export class Asker {
  readonly #ask: Ask
  #left = askBudget

  constructor(ask: Ask) {
    this.#ask = ask
  }

  /** The answer's `data`. Throws Unestablished. */
  async data(query: string, variables: Record<string, unknown>): Promise<Answer> {
    if (this.#left-- <= 0) throw new Unestablished('too_many')
    let answer
    try {
      answer = await this.#ask(question(query, variables))
    } catch {
      throw new Unestablished('lookup_failed')
    }
    const { json } = answer
    if (answer.status !== 200 || !isAnswer(json)) throw new Unestablished('lookup_failed')
    // Partial data beside errors is how a resolver's view goes missing in silence.
    if (json['errors'] !== undefined || !isAnswer(json['data']))
      throw new Unestablished('lookup_failed')
    return json['data']
  }

  /** All nodes of a connection, paged to the end. `query` takes `$after`; `at` leads from `data` to the connection. */
  async nodes(
    query: string,
    variables: Record<string, unknown>,
    at: readonly string[],
  ): Promise<Answer[]> {
    const nodes: Answer[] = []
    const cursors = new Set<string>()
    let after: string | null = null
    for (;;) {
      const data = await this.data(query, { ...variables, after })
      const page = connection(follow(data, at))
      nodes.push(...page.nodes)
      if (page.next === undefined) return nodes
      if (cursors.has(page.next)) throw new Unestablished('view_incomplete')
      cursors.add(page.next)
      after = page.next
    }
  }
}

/** The value at a path of objects. */
export function follow(data: Answer, at: readonly string[]): unknown {
  let value: unknown = data
  for (const key of at) {
    if (!isAnswer(value)) throw new Unestablished('not_found')
    value = value[key]
  }
  return value
}

/** One page of a connection: its nodes, and the cursor of the next page where there is one. */
export function connection(value: unknown): { nodes: Answer[]; next: string | undefined } {
  if (!isAnswer(value) || !Array.isArray(value['edges']) || !isAnswer(value['pageInfo']))
    throw new Unestablished('view_incomplete')
  const nodes = (value['edges'] as unknown[]).map((edge) => {
    const node = isAnswer(edge) ? edge['node'] : undefined
    if (!isAnswer(node)) throw new Unestablished('view_incomplete')
    return node
  })
  const { hasNextPage, endCursor } = value['pageInfo']
  if (hasNextPage === false) return { nodes, next: undefined }
  if (hasNextPage !== true || typeof endCursor !== 'string' || endCursor === '')
    throw new Unestablished('view_incomplete')
  return { nodes, next: endCursor }
}

/** A member that must be a string with something in it. */
export function text(answer: Answer, key: string): string {
  const value = answer[key]
  if (typeof value !== 'string' || value === '') throw new Unestablished('view_incomplete')
  return value
}
