/** What the shapes of a manifest and a review cannot say. */
import type { DescriptionKind } from './description.ts'
import type { ImportedManifest } from './manifest.ts'
import type { ImportedReview } from './review.ts'
import { bearer } from './spoken.ts'

export type Complaint = { readonly pointer: string; readonly detail: string }

/** They frame a request, choose its host or its form, or speak for a proxy: nothing else may say them (RFC 9110 §7.6.1). */
const notOurs = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'date',
  'dpop',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'origin',
  'range',
  'referer',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
])
const notOursBeginning =
  /^(?:proxy-|valetkey-|x-forwarded|x-http-method|x-method|x-original|x-rewrite|x-real-ip|sec-|if-|content-|access-control-)/

function isOurs(name: string): boolean {
  return !notOurs.has(name) && !notOursBeginning.test(name)
}

/** What the shapes cannot say: the first thing that is wrong, or undefined. */
export function complaintAbout(
  manifest: ImportedManifest,
  review: ImportedReview,
  kind: DescriptionKind = 'openapi',
): Complaint | undefined {
  return (
    aboutHeaders(manifest) ??
    aboutHomes(manifest) ??
    aboutReview(manifest, review) ??
    (kind === 'graphql' ? aboutGraphql(manifest, review) : aboutRest(manifest, review))
  )
}

function aboutHeaders(manifest: ImportedManifest): Complaint | undefined {
  const { origin, injection = bearer } = manifest
  if (!URL.canParse(origin) || new URL(origin).origin !== origin)
    return { pointer: '/manifest/origin', detail: 'it is not an origin in its plain spelling' }
  const named: readonly (readonly [string, string])[] = [
    ['/manifest/injection', injection.header],
    ...(manifest.carriers ?? []).map((one) => ['/manifest/carriers', one.header] as const),
    ...Object.keys(manifest.headers ?? {}).map((one) => ['/manifest/headers', one] as const),
    ...(manifest.meaningful_headers ?? []).map(
      (one) => ['/manifest/meaningful_headers', one] as const,
    ),
  ]
  for (const [pointer, name] of named)
    if (!isOurs(name)) return { pointer, detail: `${name} cannot be set here` }
  const mayNotAgree = [
    ...Object.keys(manifest.headers ?? {}),
    ...(manifest.meaningful_headers ?? []),
  ]
  const carried = [injection, ...(manifest.carriers ?? [bearer])].map((one) => one.header)
  const both = mayNotAgree.find((name) => carried.includes(name) || name === 'authorization')
  if (both !== undefined)
    return {
      pointer: '/manifest/headers',
      detail: `${both} carries the credential, or a capability`,
    }
  return undefined
}

function aboutHomes(manifest: ImportedManifest): Complaint | undefined {
  const { homes = {} } = manifest
  for (const [name, home] of Object.entries(homes)) {
    const pointer = `/manifest/homes/${name}`
    if (home.is === 'place') continue
    const end = endOf(name, homes)
    if (end === undefined)
      return { pointer, detail: 'following "of" does not end at a kind that is a place' }
    const isList = home.is === 'listed' || home.is === 'queried_list'
    if (isList && homes[home.of]?.is !== 'place')
      return { pointer, detail: '"of" must be a kind that is a place' }
    if ((home.is === 'queried' || home.is === 'queried_list') !== (manifest.graphql !== undefined))
      return {
        pointer: `${pointer}/is`,
        detail:
          manifest.graphql === undefined
            ? 'it is looked up by GraphQL, and the manifest says no "graphql"'
            : 'a GraphQL provider is asked by a query: "queried" or "queried_list"',
      }
    if (home.is === 'queried' || home.is === 'queried_list') continue
    if (home.is === 'asked' && home.same === undefined)
      return { pointer: `${pointer}/same`, detail: 'it must name the id that was asked about' }
    const [wanted, other] = home.is === 'asked' ? ['{id}', '{of}'] : ['{of}', '{id}']
    if (home.path.split(wanted).length !== 2 || home.path.includes(other))
      return { pointer: `${pointer}/path`, detail: `it must hold ${wanted} once` }
  }
  if (manifest.credential_is_environment === true && Object.keys(homes).length > 0)
    return {
      pointer: '/manifest/homes',
      detail: 'the credential is the environment: no id has a home',
    }
  return undefined
}

function aboutReview(manifest: ImportedManifest, review: ImportedReview): Complaint | undefined {
  const { homes = {} } = manifest
  for (const [name, given] of Object.entries(review.effects ?? {})) {
    const bases = given.filter((effect) => effect === 'read' || effect === 'write')
    if (bases.length !== 1 || given[0] !== bases[0])
      return {
        pointer: `/review/effects/${name.replaceAll('/', '~1')}`,
        detail: 'read or write comes first, and only one of the two',
      }
  }
  for (const [i, rule] of (review.ids ?? []).entries()) {
    if (rule.kind !== undefined && !Object.hasOwn(homes, rule.kind))
      return { pointer: `/review/ids/${String(i)}/kind`, detail: 'it has no home in the manifest' }
    if (rule.kind === undefined && rule.role !== undefined)
      return { pointer: `/review/ids/${String(i)}/role`, detail: 'a role belongs to a kind' }
  }
  for (const [name, conditions] of Object.entries(review.conditions ?? {}))
    for (const [i, condition] of conditions.entries())
      if (condition.adds === undefined && condition.widens === undefined)
        return {
          pointer: `/review/conditions/${name.replaceAll('/', '~1')}/${String(i)}`,
          detail: 'it adds nothing and widens nothing',
        }
  return undefined
}

function aboutGraphql(manifest: ImportedManifest, review: ImportedReview): Complaint | undefined {
  if (manifest.graphql === undefined)
    return {
      pointer: '/manifest/graphql',
      detail: 'it must say on which path the GraphQL endpoint answers',
    }
  if (manifest.accepts !== undefined)
    return { pointer: '/manifest/accepts', detail: 'answers of GraphQL are read as JSON' }
  if (review.reveals !== undefined)
    return { pointer: '/review/reveals', detail: 'say it of the field, in "edges"' }
  for (const [i, { under, at }] of (review.ids ?? []).entries()) {
    const pointer = `/review/ids/${String(i)}`
    if (under !== undefined)
      return { pointer: `${pointer}/under`, detail: 'GraphQL has no paths; name "operations"' }
    if (at.includes('*') || at.includes('-'))
      return {
        pointer: `${pointer}/at`,
        detail: 'names of arguments with dots between them; lists are walked',
      }
  }
  return undefined
}

function aboutRest(manifest: ImportedManifest, review: ImportedReview): Complaint | undefined {
  if (manifest.graphql !== undefined)
    return { pointer: '/manifest/graphql', detail: 'the description is no GraphQL schema' }
  if (review.edges !== undefined)
    return { pointer: '/review/edges', detail: 'the description is no GraphQL schema' }
  const at = (review.ids ?? []).findIndex((rule) => rule.operations !== undefined)
  return at === -1
    ? undefined
    : {
        pointer: `/review/ids/${String(at)}/operations`,
        detail: 'by "under", the path they are at',
      }
}

/** The kind at the end of `of`, from home to home; undefined where it is none, or goes round. */
function endOf(kind: string, homes: NonNullable<ImportedManifest['homes']>): string | undefined {
  let at = kind
  for (let hops = 0; hops < 5; hops++) {
    const home = Object.hasOwn(homes, at) ? homes[at] : undefined
    if (home === undefined) return undefined
    if (home.is === 'place') return at
    at = home.of
  }
  return undefined
}
