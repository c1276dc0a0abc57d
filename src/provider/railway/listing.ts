/** Things that Railway lists by environment, or finds only in one: looked for in each environment that is bound. */
import { Unestablished } from '../unestablished.ts'
import { follow, isAnswer, text } from './question.ts'
import { firstOf, idsOf, page, same, type Finder, type Search } from './home.ts'

/** Looks a thing up in a listing of each environment. */
export function listed(
  list: (environment: string, search: Search) => Promise<Set<string>>,
  name: string,
): Finder {
  return (id, search) =>
    firstOf(search.environments, async (environment) => {
      const ids = await search.remember(['listed', name, environment], () =>
        list(environment, search),
      )
      return ids.has(id) ? { environments: [environment] } : undefined
    })
}

export function inEnvironment(query: string, at: readonly string[]): Finder {
  return listed(async (environment, search) => {
    const nodes = await search.asker.nodes(query, { id: environment }, at)
    return new Set(nodes.map((node) => text(node, 'id')))
  }, at.join('.'))
}

export function inList(field: string, key: string): Finder {
  return listed(async (environment, search) => {
    const data = await search.asker.data(
      `query ($id: String!) { ${field}(environmentId: $id) { ${key} environmentId } }`,
      { id: environment },
    )
    const list = data[field]
    if (Array.isArray(list))
      for (const item of list as unknown[])
        if (!isAnswer(item) || item['environmentId'] !== environment)
          throw new Unestablished('view_incomplete')
    return idsOf(list, key)
  }, field)
}

export async function serviceDomains(environment: string, search: Search): Promise<Set<string>> {
  const nodes = await search.asker.nodes(
    `query ($id: String!, $after: String) { environment(id: $id) { serviceInstances(first: 100, after: $after) { ${page} edges { node { domains { serviceDomains { id } } } } } } }`,
    { id: environment },
    ['environment', 'serviceInstances'],
  )
  return new Set(
    nodes.flatMap((node) => [...idsOf(follow(node, ['domains', 'serviceDomains']), 'id')]),
  )
}

/** Things asked for by environment and id, which say what environment they are in. */
export function oneOf(field: string, idType: string, environmentType = 'String!'): Finder {
  const query = `query ($id: ${idType}, $environment: ${environmentType}) { ${field}(environmentId: $environment, id: $id) { id environmentId } }`
  return (id, search) =>
    firstOf(search.environments, (environment) =>
      search.remember(['one', field, environment, id], async () => {
        const data = await search.asker.data(query, { id, environment })
        if (data[field] === null) return undefined
        return { environments: [text(same(data[field], id), 'environmentId')] }
      }),
    )
}
