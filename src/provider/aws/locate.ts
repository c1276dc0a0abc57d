/**
 * Which places an operation touches. What it names lies in places within one another: a resource in its tags, those in
 * the account. The narrowest place that the environment is bound to stands for it, and the account where there is none,
 * so that an environment of one bucket holds that bucket and nothing more, and one of an account holds all of it. What a
 * name means is asked of AWS with the broker's credential: whose account it is (STS), who owns an id or a bucket, and
 * which tags it has. What is not answered is denied.
 *
 * A region counts where the environment is bound to regions; then every region that is touched must be one of them. Those
 * of other partitions than `aws` always count: an environment that does not name one of them does not reach it, whatever
 * else of the same name there is.
 */
import { LRUCache } from 'lru-cache'
import {
  place,
  type Invocation,
  type Located,
  type Place,
  type ResourceRef,
  type Unresolved,
} from '../../core/operation.ts'
import type { LocateContext } from '../adapter.ts'
import { readArn, tableOf } from './arn.ts'
import { destinationOf, partitions, regionReached, type Destination } from './hosts.ts'
import type { CompiledKind } from './catalogue.ts'
import { kindOf, questionAbout } from './kinds.ts'
import { createGenerations, type Generations } from '../kept-answers.ts'
import { Unestablished } from '../unestablished.ts'
import { Asker, at, textAt } from './question.ts'
import type { Element } from './xml.ts'
import { isBucket } from './s3-bucket.ts'

/** How long an answer is believed for operations that are not destructive, admin or secret, in milliseconds. */
export const answerLifetime = 5_000
const mostResources = 200

type Search = {
  readonly asker: Asker
  readonly bound: ReadonlySet<Place>
  readonly destination: Destination
  /** The account of the credential. */
  readonly account: string
  readonly remember: <T>(key: string, find: () => Promise<T>) => Promise<T>
}

/** `now` is a clock in milliseconds that never goes back. */
export function awsLocate(
  now: () => number,
  generations: Generations = createGenerations(),
): (invocation: Invocation, context: LocateContext) => Promise<Located> {
  const kept = new LRUCache<string, { readonly until: number; readonly value: Promise<unknown> }>({
    max: 5_000,
  })

  /** No two credentials share an answer: what one may see, the other may not. `key` is undefined where none is kept. */
  function remember(key: string | undefined, scope: string): Search['remember'] {
    const own = new Map<string, Promise<unknown>>()
    return <T>(what: string, find: () => Promise<T>): Promise<T> => {
      const mine = own.get(what)
      if (mine !== undefined) return mine as Promise<T>
      const name = JSON.stringify([key, generations.of(key ?? ''), scope, what])
      const known = key === undefined ? undefined : kept.get(name)
      if (known !== undefined && known.until > now()) return known.value as Promise<T>
      const value = find()
      own.set(what, value)
      if (key !== undefined) {
        kept.set(name, { until: now() + answerLifetime, value })
        value.catch(() => kept.delete(name))
      }
      return value
    }
  }

  return async function locate(invocation, context) {
    const resources = invocation.resources.filter(({ kind }) => kind !== 'scope')
    const scope = invocation.resources.find(({ kind }) => kind === 'scope')?.id ?? ''
    const [service = '', region = ''] = scope.split('/')
    const destination = destinationOf(service, region)
    if (destination === undefined) return unresolved({ kind: 'region', id: scope }, 'no_resolver')
    if (resources.length > mostResources) return unresolved({ kind: 'request', id: '' }, 'too_many')
    const asker = new Asker(context.ask)
    // Whose the acting credential is: another one for look-ups may be of another account.
    const acting = remember(context.fresh ? undefined : context.actingKey, 'acting')
    let account: string
    try {
      account = await acting(`account ${destination.partition}`, () => callerAccount(asker, region))
    } catch (error) {
      if (error instanceof Unestablished) return unresolved({ kind: 'account', id: '' }, error.why)
      throw error
    }
    // What is owned, or listed, was asked for as this account.
    const scoped = `${region} ${account}`
    const memory = remember(context.fresh ? undefined : context.cacheKey, scoped)
    const search: Search = { asker, bound: context.bound, destination, account, remember: memory }
    const places = new Set<Place>()
    const missing: Unresolved[] = []
    if (countsRegions(search)) places.add(place('region', globally(invocation, destination)))
    for (const resource of resources) {
      try {
        for (const found of await placesOf(resource, invocation.operation, search))
          places.add(found)
      } catch (error) {
        if (!(error instanceof Unestablished)) throw error
        missing.push({ kind: resource.kind, id: resource.id, why: error.why })
      }
    }
    return { places: [...places], unresolved: missing }
  }
}

function unresolved(what: { kind: string; id: string }, why: Unresolved['why']): Located {
  return { places: [], unresolved: [{ ...what, why }] }
}

/** Buckets are listed for all regions at once. */
function globally({ operation }: Invocation, destination: Destination): string {
  return operation === 's3/ListBuckets'
    ? partitions[destination.partition].everywhere
    : regionReached(destination)
}

function countsRegions({ bound, destination }: Pick<Search, 'bound' | 'destination'>): boolean {
  return destination.partition !== 'aws' || [...bound].some((name) => name.startsWith('region:'))
}

export async function callerAccount(asker: Asker, region: string): Promise<string> {
  const answer = await asker.form('sts', region, 'GetCallerIdentity', {}, 'acting')
  const account = textAt(answer, 'GetCallerIdentityResult/Account')
  if (account === undefined || !/^[0-9]{12}$/.test(account))
    throw new Unestablished('lookup_failed')
  return account
}

async function placesOf(
  { kind, id, path }: ResourceRef,
  operation: string,
  search: Search,
): Promise<readonly Place[]> {
  const { account, destination } = search
  switch (kind) {
    case 'account':
      return [place('account', id === '' ? account : id)]
    case 'bucket':
      return [await bucketPlace(id, operation, search)]
    case 'table': {
      if (/^arn:/i.test(id)) return arnPlaces(id, operation, search)
      if (!/^[A-Za-z0-9_.-]{3,255}$/.test(id)) throw new Unestablished('no_resolver')
      return [tablePlace(account, destination.region, id, search)]
    }
    case 'arn':
      return arnPlaces(id, operation, search)
    case 'id':
      return idPlaces(id, path, search)
    case 'database':
    case 'cluster': {
      const what = kind === 'database' ? 'db' : 'cluster'
      if (!/^[a-z][a-z0-9-]{0,62}$/.test(id)) {
        // Clusters and instances can be named by the ARN of another region's or account's.
        return arnPlaces(id, operation, search)
      }
      const arn = `arn:${destination.partition}:rds:${destination.region}:${account}:${what}:${id}`
      return [(await databaseTag(arn, search)) ?? place('account', account)]
    }
    default:
      throw new Unestablished('no_resolver')
  }
}

async function arnPlaces(
  text: string,
  operation: string,
  search: Search,
): Promise<readonly Place[]> {
  const arn = readArn(text)
  // The account in it is another partition's, although it has the same number.
  if (arn === undefined || arn.partition !== search.destination.partition)
    throw new Unestablished('no_resolver')
  const regional = arn.region !== '' && countsRegions(search) ? [place('region', arn.region)] : []
  if (arn.service === 's3' && arn.account === '') {
    const [bucket = ''] = arn.resource.split('/')
    return [await bucketPlace(bucket, operation, search)]
  }
  // What Amazon itself owns, such as its managed policies, is nobody's environment: naming it touches nothing.
  if (arn.account === 'aws') return [place('account', search.account)]
  if (arn.account === '') throw new Unestablished('no_resolver')
  const table = tableOf(arn)
  if (table !== undefined) return [...regional, tablePlace(arn.account, arn.region, table, search)]
  const tag =
    arn.service === 'rds' &&
    arn.account === search.account &&
    arn.region === search.destination.region
      ? await databaseTag(text, search)
      : undefined
  return [...regional, tag ?? place('account', arn.account)]
}

function tablePlace(account: string, region: string, name: string, { bound }: Search): Place {
  const own = place('table', `${account}/${region}/${name}`)
  return bound.has(own) ? own : place('account', account)
}

async function bucketPlace(name: string, operation: string, search: Search): Promise<Place> {
  if (!isBucket(name)) throw new Unestablished('no_resolver')
  const own = place('bucket', name)
  if (search.bound.has(own)) return own
  const home = place('account', search.account)
  // Denied either way: nothing is asked about a bucket that the capability can have nothing to do with.
  if (!search.bound.has(home) || operation === 's3/CreateBucket') return home
  const { region } = search.destination
  const status = await search.remember(`bucket ${name}`, () =>
    search.asker.bucket(region, name, search.account),
  )
  if (status !== 200)
    throw new Unestablished(status === 404 || status === 301 ? 'not_found' : 'lookup_failed')
  return home
}

async function idPlaces(id: string, path: string, search: Search): Promise<readonly Place[]> {
  const kind = kindOf(id, path)
  if (kind === undefined) throw new Unestablished('no_resolver')
  const { region } = search.destination
  const tag = await boundTag(search, () =>
    search.remember(`tags ${id}`, async () => {
      const answer = await search.asker.form('ec2', region, 'DescribeTags', {
        'Filter.1.Name': 'resource-id',
        'Filter.1.Value.1': id,
      })
      const items = at(answer, 'tagSet/item')
      if (items.some((item) => textAt(item, 'resourceId') !== id))
        throw new Unestablished('lookup_failed')
      return items.map((item): [string, string] => [
        textAt(item, 'key') ?? '',
        textAt(item, 'value') ?? '',
      ])
    }),
  )
  if (tag !== undefined) return [tag]
  const home = place('account', search.account)
  if (!search.bound.has(home) && !bindsAccounts(search.bound)) return [home]
  return search.remember(`id ${kind.action} ${id}`, async () => {
    const answer = await search.asker.form('ec2', region, kind.action, questionAbout(kind, id))
    const [item, ...others] = at(answer, kind.items)
    if (item === undefined) throw new Unestablished('not_found')
    if (others.length > 0 || !at(item, kind.id).some(({ text }) => text === id))
      throw new Unestablished('view_incomplete')
    return ownersOf(item, kind, search).map((owner) => place('account', owner))
  })
}

/** Every account that the answer names as an owner; the asking one where the kind has none. */
function ownersOf(
  item: Element,
  { owners }: CompiledKind,
  { account, destination }: Search,
): readonly string[] {
  if (owners === undefined) return [account]
  return owners.map((path) => {
    const text = textAt(item, path) ?? ''
    // Prefix lists of Amazon's own, such as that of S3: naming one touches nothing of anybody's.
    if (text === 'AWS') return account
    const arn = readArn(text)
    const owner = arn?.partition === destination.partition ? arn.account : text
    if (!/^[0-9]{12}$/.test(owner)) throw new Unestablished('view_incomplete')
    return owner
  })
}

function bindsAccounts(bound: ReadonlySet<Place>): boolean {
  return [...bound].some((name) => name.startsWith('account:'))
}

function databaseTag(arn: string, search: Search): Promise<Place | undefined> {
  return boundTag(search, () =>
    search.remember(`tags ${arn}`, async () => {
      const { region } = search.destination
      const answer = await search.asker.form('rds', region, 'ListTagsForResource', {
        ResourceName: arn,
      })
      return at(answer, 'ListTagsForResourceResult/TagList/Tag').map((item): [string, string] => [
        textAt(item, 'Key') ?? '',
        textAt(item, 'Value') ?? '',
      ])
    }),
  )
}

/** The first of its tags that the environment is bound to. Not asked where it is bound to none. */
async function boundTag(
  { bound }: Search,
  tags: () => Promise<readonly [string, string][]>,
): Promise<Place | undefined> {
  if (![...bound].some((name) => name.startsWith('tag:'))) return undefined
  return (await tags())
    .map(([key, value]) => place('tag', `${key}=${value}`))
    .find((name) => bound.has(name))
}
