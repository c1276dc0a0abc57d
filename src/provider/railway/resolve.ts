/**
 * Where one thing lives, by Railway's own answer. Kinds that Railway finds by id are asked for by id; the rest are
 * looked up in the listings of the environments that are bound (and named), because an id that stands in none of them
 * is not ours to touch. An id is compared as it was sent: Railway may read it more loosely than we do, and then what we
 * do not recognise is denied.
 */
import type { UnresolvedReason } from '../../core/operation.ts'
import { Unestablished } from '../unestablished.ts'
import { connection, follow, text, type Answer } from './question.ts'
import {
  firstOf,
  idsOf,
  page,
  projects,
  same,
  seen,
  type Finder,
  type Home,
  type Search,
} from './home.ts'
import { inEnvironment, inList, listed, oneOf, serviceDomains } from './listing.ts'

export type Resolved =
  | { readonly ok: true; readonly home: Home }
  | { readonly ok: false; readonly why: UnresolvedReason }

export async function resolve(kind: string, id: string, search: Search): Promise<Resolved> {
  try {
    const find = Object.hasOwn(finders, kind) ? finders[kind] : undefined
    if (find === undefined) return { ok: false, why: 'no_resolver' }
    const home = await find(id, search)
    // What lives nowhere we can see may live where we cannot.
    if (home.environments.length === 0) return { ok: false, why: 'view_incomplete' }
    return { ok: true, home }
  } catch (error) {
    if (error instanceof Unestablished) return { ok: false, why: error.why }
    throw error
  }
}

const finders: Readonly<Record<string, Finder>> = {
  environment: async (id) => ({ environments: [id] }),
  project,
  service,
  volume,
  bucket: inProject('buckets'),
  deployment: byId('deployment'),
  volumeInstance: byId('volumeInstance'),
  environmentPatch: byId('environmentPatch'),
  customDomain,
  projectToken,
  backup,
  deploymentTrigger: inEnvironment(
    `query ($id: String!, $after: String) { environment(id: $id) { deploymentTriggers(first: 100, after: $after) { ${page} edges { node { id } } } } }`,
    ['environment', 'deploymentTriggers'],
  ),
  serviceInstance: inEnvironment(
    `query ($id: String!, $after: String) { environment(id: $id) { serviceInstances(first: 100, after: $after) { ${page} edges { node { id } } } } }`,
    ['environment', 'serviceInstances'],
  ),
  observabilityDashboard: inEnvironment(
    `query ($id: String!, $after: String) { observabilityDashboards(environmentId: $id, first: 100, after: $after) { ${page} edges { node { id } } } }`,
    ['observabilityDashboards'],
  ),
  serviceDomain: listed(serviceDomains, 'serviceDomains'),
  privateNetwork: inList('privateNetworks', 'publicId'),
  sandboxCheckpoint: inList('sandboxCheckpoints', 'id'),
  sandbox: oneOf('sandbox', 'String!'),
  cloudAgent: oneOf('cloudAgent', 'ID!', 'ID!'),
  sandboxTemplateBuild: oneOf('sandboxTemplateBuild', 'ID!'),
}

function project(id: string, search: Search): Promise<Home> {
  return search.remember(['project', id], async () => {
    const nodes = await search.asker.nodes(
      `query ($id: String!, $after: String) { project(id: $id) { environments(first: 100, after: $after) { ${page} edges { node { id } } } } }`,
      { id },
      ['project', 'environments'],
    )
    return { environments: nodes.map((node) => text(node, 'id')), project: id }
  })
}

function service(id: string, search: Search): Promise<Home> {
  return search.remember(['service', id], async () => {
    const environments = new Set<string>()
    const cursors = new Set<string>()
    let owner: string | undefined
    let after: string | null = null
    for (;;) {
      const data: Answer = await search.asker.data(
        `query ($id: String!, $after: String) { service(id: $id) { id projectId serviceInstances(first: 100, after: $after) { ${page} edges { node { environmentId } } } } }`,
        { id, after },
      )
      const answer = same(data['service'], id)
      owner ??= text(answer, 'projectId')
      const { nodes, next } = connection(answer['serviceInstances'])
      for (const node of nodes) environments.add(text(node, 'environmentId'))
      if (next === undefined) return { environments: [...environments], project: owner }
      if (cursors.has(next)) throw new Unestablished('view_incomplete')
      cursors.add(next)
      after = next
    }
  })
}

/**
 * There is no `volume(id)`. A volume is looked for in the projects of the environments, and its instances are read to
 * the end by asking for the same page of volumes again with a later cursor inside.
 */
async function volume(id: string, search: Search): Promise<Home> {
  return firstOf(await projects(search), (owner) =>
    search.remember(['volume', owner, id], () => volumeIn(owner, id, search)),
  )
}

async function volumeIn(owner: string, id: string, search: Search): Promise<Home | undefined> {
  const query = `query ($id: String!, $after: String, $inner: String) { project(id: $id) { volumes(first: 50, after: $after) { ${page} edges { node { id volumeInstances(first: 50, after: $inner) { ${page} edges { node { id environmentId } } } } } } } }`
  const environments = new Set<string>()
  const pages = new Set<string>()
  const innerPages = new Set<string>()
  let after: string | null = null
  let inner: string | null = null
  for (;;) {
    const data = await search.asker.data(query, { id: owner, after, inner })
    const outer = connection(follow(data, ['project', 'volumes']))
    const found = outer.nodes.filter((node) => node['id'] === id)
    const [node] = found
    if (node === undefined) {
      if (inner !== null) throw new Unestablished('view_incomplete')
      if (outer.next === undefined) return undefined
      after = seen(pages, outer.next)
      continue
    }
    if (found.length > 1) throw new Unestablished('view_incomplete')
    const instances = connection(node['volumeInstances'])
    for (const instance of instances.nodes) environments.add(text(instance, 'environmentId'))
    if (instances.next === undefined) return { environments: [...environments] }
    inner = seen(innerPages, instances.next)
  }
}

/** Things that Railway finds by id and that say which one environment they are in. */
function byId(field: string): Finder {
  return (id, search) =>
    search.remember([field, id], async () => {
      const data = await search.asker.data(
        `query ($id: String!) { ${field}(id: $id) { id environmentId } }`,
        { id },
      )
      return { environments: [text(same(data[field], id), 'environmentId')] }
    })
}

/** Things that belong to a project and do not say in which of its environments they are: in all of them, then. */
function inProject(field: string): Finder {
  return async (id, search) =>
    firstOf(await projects(search), async (owner) => {
      const ids = await search.remember(['owned', field, owner], async () => {
        const nodes = await search.asker.nodes(
          `query ($id: String!, $after: String) { project(id: $id) { ${field}(first: 100, after: $after) { ${page} edges { node { id } } } } }`,
          { id: owner },
          ['project', field],
        )
        return new Set(nodes.map((node) => text(node, 'id')))
      })
      return ids.has(id) ? project(owner, search) : undefined
    })
}

async function customDomain(id: string, search: Search): Promise<Home> {
  return firstOf(await projects(search), (owner) =>
    search.remember(['customDomain', owner, id], async () => {
      const data = await search.asker.data(
        'query ($id: String!, $project: String!) { customDomain(id: $id, projectId: $project) { id environmentId } }',
        { id, project: owner },
      )
      return { environments: [text(same(data['customDomain'], id), 'environmentId')] }
    }),
  )
}

async function projectToken(id: string, search: Search): Promise<Home> {
  return firstOf(await projects(search), async (owner) => {
    const nodes = await search.asker.nodes(
      `query ($id: String!, $after: String) { projectTokens(projectId: $id, first: 100, after: $after) { ${page} edges { node { id environmentId } } } }`,
      { id: owner },
      ['projectTokens'],
    )
    const found = nodes.find((node) => node['id'] === id)
    return found === undefined ? undefined : { environments: [text(found, 'environmentId')] }
  })
}

/** A backup is listed by the volume instance it was made of; only the instances named beside it are looked in. */
async function backup(id: string, search: Search): Promise<Home> {
  for (const instance of search.beside) {
    if (instance.kind !== 'volumeInstance') continue
    const ids = await search.remember(['backups', instance.id], async () => {
      const data = await search.asker.data(
        'query ($id: String!) { volumeInstanceBackupList(volumeInstanceId: $id) { id } }',
        { id: instance.id },
      )
      return idsOf(data['volumeInstanceBackupList'], 'id')
    })
    const find = finders['volumeInstance']
    if (ids.has(id) && find !== undefined) return find(instance.id, search)
  }
  throw new Unestablished('not_found')
}
