/**
 * Names to ids. Operators think in names, routes take ids: a name is looked up by listing, and must be matched exactly.
 * What goes into a path has the shape of an id of the right kind, so that nothing typed can make another path of it.
 */
import type { Client, Query } from './client.ts'
import { Failure, usage } from './failure.ts'
import { isId, type IdKind } from '../ids.ts'
import { record, records, text, type Shape } from './answer.ts'

export type NamedKind = Extract<IdKind, 'operator' | 'agent' | 'environment' | 'credential'>

/** Pages of 200: more would be somebody playing with us. */
const mostPages = 500

/** Every item of a list, page by page. */
export async function listAll(client: Client, path: string, query: Query = {}): Promise<Shape[]> {
  const items: Shape[] = []
  let cursor: string | undefined
  for (let page = 0; page < mostPages; page++) {
    const answer = record(await client.get(path, { ...query, limit: '200', cursor }))
    items.push(...records(answer, 'items'))
    cursor = text(answer, 'next_cursor')
    if (cursor === undefined) return items
  }
  throw new Failure(1, 'The list does not end.')
}

/** The id of what was named by its id or its name. */
export async function idOf(client: Client, kind: NamedKind, given: string): Promise<string> {
  if (isId(kind, given)) return given
  const found = (await listAll(client, `/v1/${kind}s`)).filter(
    (item) => text(item, 'name') === given,
  )
  const [only, second] = found
  const id = only === undefined ? undefined : text(only, 'id')
  if (id === undefined || !isId(kind, id)) {
    throw new Failure(1, `There is no ${kind} of this name.`, {
      code: 'not_found',
      notes: [`See which there are:  valetkey ${kind} list`],
    })
  }
  if (second !== undefined) {
    throw usage(
      `Several ${kind}s have this name; give the id: ${found.map((item) => text(item, 'id') ?? '').join(', ')}`,
    )
  }
  return id
}

/** An id of a kind that has no names. */
export function idGiven(kind: IdKind, given: string, example: string): string {
  if (!isId(kind, given)) throw usage(`This is not the id of a ${kind}; one looks like ${example}`)
  return given
}

/** From ids to names, for showing. */
export async function namesOf(
  client: Client,
  kind: NamedKind,
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  for (const item of await listAll(client, `/v1/${kind}s`)) {
    const id = text(item, 'id')
    const name = text(item, 'name')
    if (id !== undefined && name !== undefined) names.set(id, name)
  }
  return names
}
