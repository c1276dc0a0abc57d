/**
 * The keys of configured issuers, kept for minutes. Guarantees: what is fetched, and how often, is bounded by the configuration
 * and the clock, never by the tokens that arrive: per issuer one refresh at a time and one in thirty seconds, whatever
 * unknown `kid`s come. Keys that could not be looked at anew for half an hour are not used: a withdrawn key cannot be
 * kept alive by keeping us from its issuer.
 */
import { LRUCache } from 'lru-cache'
import type { JsonValue } from '../core/operation.ts'
import type { FetchJson } from './fetch.ts'
import type { TrustedIssuer } from './issuer.ts'
import { readKeySet, type KeySet, type UsableKey } from './key-set.ts'

/** All in milliseconds. */
export const refreshEvery = 30_000
export const shortestKept = 60_000
export const longestKept = 600_000
const keptByDefault = 300_000
/** Since they were fetched, while their issuer does not answer. */
export const longestStale = 1_800_000

export type FoundKey =
  | { readonly ok: true; readonly key: Extract<UsableKey, { key: unknown }>['key'] }
  | { readonly ok: false; readonly reason: 'invalid' | 'unavailable'; readonly detail: string }

export type IssuerKeys = {
  find(
    trusted: TrustedIssuer,
    header: { readonly kid: string | undefined; readonly alg: string },
  ): Promise<FoundKey>
}

type Fetched = { readonly set: KeySet; readonly at: number; readonly freshUntil: number }

/** One issuer's keys, and when they were last asked for. */
type Entry = {
  fetched: Fetched | undefined
  /** Why the last attempt failed; undefined where it did not. */
  failure: string | undefined
  attemptedAt: number | undefined
  refreshing: Promise<void> | undefined
}

export function createIssuerKeys(deps: {
  readonly fetchJson: FetchJson
  /** Milliseconds since the epoch. */
  readonly now: () => number
}): IssuerKeys {
  // By all that decides what is fetched: an admin's change of an issuer begins anew.
  const entries = new LRUCache<string, Entry>({ max: 1_000 })

  function entryOf({ issuer, jwksUri, internal }: TrustedIssuer): Entry {
    const name = JSON.stringify([issuer, jwksUri ?? null, internal])
    const known = entries.get(name)
    if (known !== undefined) return known
    const entry: Entry = {
      fetched: undefined,
      failure: undefined,
      attemptedAt: undefined,
      refreshing: undefined,
    }
    entries.set(name, entry)
    return entry
  }

  async function refreshNow(trusted: TrustedIssuer, entry: Entry, now: number): Promise<void> {
    try {
      const answer = await fetchKeySet(deps.fetchJson, trusted)
      entry.failure = 'failure' in answer ? answer.failure : undefined
      if ('failure' in answer) {
        if (answer.unsound) entry.fetched = undefined
        return
      }
      entry.fetched = { set: answer.set, at: now, freshUntil: now + keptFor(answer.maxAge) }
    } finally {
      entry.refreshing = undefined
    }
  }

  /** Resolves when the refresh under way, or the one that may begin now, is over; at once where none may. */
  function refresh(trusted: TrustedIssuer, entry: Entry): Promise<void> {
    if (entry.refreshing !== undefined) return entry.refreshing
    const now = deps.now()
    if (entry.attemptedAt !== undefined && isWithin(now, entry.attemptedAt, refreshEvery))
      return Promise.resolve()
    entry.attemptedAt = now
    entry.refreshing = refreshNow(trusted, entry, now)
    return entry.refreshing
  }

  return {
    async find(trusted, header) {
      const entry = entryOf(trusted)
      const before = entry.fetched
      const known =
        before !== undefined &&
        isWithin(deps.now(), before.at, before.freshUntil - before.at) &&
        (header.kid === undefined || before.set.has(header.kid))
      if (!known) await refresh(trusted, entry)
      const { fetched } = entry
      if (fetched === undefined || !isWithin(deps.now(), fetched.at, longestStale))
        return {
          ok: false,
          reason: 'unavailable',
          detail: `the keys of its issuer are not to be had: ${entry.failure ?? 'they were asked for a moment ago'}`,
        }
      const found = await fetched.set.key(header)
      return 'key' in found
        ? { ok: true, key: found.key }
        : { ok: false, reason: 'invalid', detail: found.refused }
    },
  }
}

/** False also where the clock was set back: what is of the future is no fresher for it. */
function isWithin(now: number, since: number, milliseconds: number): boolean {
  return now >= since && now - since < milliseconds
}

function keptFor(maxAge: number | undefined): number {
  if (maxAge === undefined) return keptByDefault
  return Math.min(Math.max(maxAge * 1000, shortestKept), longestKept)
}

type FetchedSet = { readonly set: KeySet; readonly maxAge: number | undefined }
type Failure = {
  readonly failure: string
  /** The issuer published something that is no sound set: what it said before is not held on to. */
  readonly unsound?: true
}

async function fetchKeySet(
  fetchJson: FetchJson,
  trusted: TrustedIssuer,
): Promise<FetchedSet | Failure> {
  const place =
    trusted.jwksUri === undefined
      ? await findKeys(fetchJson, trusted)
      : { uri: trusted.jwksUri, internal: trusted.internal }
  if ('failure' in place) return place
  const answer = await fetchJson(place.uri, { internal: place.internal })
  if (!answer.ok) return { failure: `its keys: ${answer.detail}` }
  const set = readKeySet(answer.value)
  return typeof set === 'string' ? { failure: set, unsound: true } : { set, maxAge: answer.maxAge }
}

type Place = { readonly uri: string; readonly internal: boolean }

/** OpenID Connect Discovery §4 first; where there is nothing, RFC 8414 §3.1. */
async function findKeys(fetchJson: FetchJson, trusted: TrustedIssuer): Promise<Place | Failure> {
  const { issuer, internal } = trusted
  if (!URL.canParse(issuer) || /[?#]/.test(issuer)) return { failure: 'it is not an issuer’s URL' }
  // Appended to the issuer as it is spelled, so that the fetch refuses what has a second spelling.
  const bare = issuer.replace(/\/$/, '')
  let answer = await fetchJson(`${bare}/.well-known/openid-configuration`, { internal })
  const { origin } = new URL(issuer)
  if (!answer.ok && answer.status === 404) {
    const path = bare.slice(origin.length)
    answer = await fetchJson(`${origin}/.well-known/oauth-authorization-server${path}`, {
      internal,
    })
  }
  if (!answer.ok) return { failure: `its metadata: ${answer.detail}` }
  const metadata = answer.value
  if (!isObject(metadata)) return { failure: 'its metadata is not an object' }
  // RFC 8414 §3.3: identical, or this is somebody else's metadata.
  if (metadata['issuer'] !== issuer) return { failure: 'its metadata is of another issuer' }
  const uri = metadata['jwks_uri']
  if (typeof uri !== 'string' || !URL.canParse(uri))
    return { failure: 'its metadata has no jwks_uri' }
  const url = new URL(uri)
  if (url.origin === origin) return { uri, internal }
  // It may lead elsewhere (Google's does), but not inwards, nor to whatever listens on another port. An issuer whose keys
  // lie elsewhere inside is configured with its jwksUri.
  if (url.port !== '') return { failure: 'its jwks_uri has another port' }
  return { uri, internal: false }
}

function isObject(value: JsonValue): value is { [key: string]: JsonValue } {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
