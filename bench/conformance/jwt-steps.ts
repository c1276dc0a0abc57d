/** The steps of jwt_attacks.json: what is done to a capability, or to the broker behind it, before it is sent. */
import { setTimeout as sleep } from 'node:timers/promises'
import { number, object, text, type Json } from './cases.ts'
import { malleate, putTogether, sign, takeApart, type Parts } from './token.ts'
import type { World } from './world.ts'

export type Prepared =
  | {
      readonly ok: true
      /** Spellings of the token that the case may mean; every one of them is tried. */
      readonly tokens: readonly string[]
      /** The port of the broker to send to. */
      readonly port: number
    }
  | { readonly ok: false; readonly why: string }

type State = {
  readonly world: World
  readonly base: string
  parts: Parts
  tokens: string[] | undefined
  port: number
  readonly times: { count: number; key: string | undefined }
}

const details = {
  env: 'environment',
  environment: 'environment',
  verbs: 'verbs',
  provider: 'provider',
} as const

export async function prepare(world: World, base: string, steps: unknown): Promise<Prepared> {
  const state: State = {
    world,
    base,
    parts: takeApart(base),
    tokens: undefined,
    port: world.brokers.first.port,
    times: { count: 1, key: undefined },
  }
  for (const step of Array.isArray(steps) ? steps.map(object) : []) {
    const why = await apply(state, step)
    if (why !== undefined) return { ok: false, why }
  }
  const tokens = state.tokens ?? [putTogether(state.parts)]
  return { ok: true, tokens: await repeated(state, tokens), port: state.port }
}

/** A flood: the same token under so many kids that nobody has heard of. */
async function repeated(state: State, tokens: string[]): Promise<readonly string[]> {
  const { count, key } = state.times
  if (count === 1) return tokens
  const flood: string[] = []
  for (let i = 0; i < count; i++) {
    const parts = { ...state.parts }
    parts.header = JSON.stringify({
      ...parse(parts.header),
      kid: `kid-${String(i)}-${Math.random().toString(36)}`,
    })
    await sign(state.world, parts, key ?? 'attacker')
    flood.push(putTogether(parts))
  }
  return flood
}

/** Undefined where it was done; otherwise why not. */
async function apply(state: State, step: Json): Promise<string | undefined> {
  const { parts, world } = state
  const key = text(step['key']) ?? ''
  switch (step['op']) {
    case 'set_header':
      parts.header = JSON.stringify({
        ...parse(parts.header),
        ...(await headerValues(world, object(step['value']))),
      })
      return undefined
    case 'del_header':
      parts.header = JSON.stringify(without(parse(parts.header), key))
      return undefined
    case 'lower_header':
      parts.header = changeCase(parts.header, key, (value) => value.toLowerCase())
      return undefined
    case 'upper_header':
      parts.header = changeCase(parts.header, key, (value) => value.toUpperCase())
      return undefined
    case 'set_payload':
      parts.payload = JSON.stringify(setClaims(world, parse(parts.payload), object(step['value'])))
      return undefined
    case 'del_payload':
      parts.payload = JSON.stringify(deleteClaim(parse(parts.payload), key))
      return undefined
    case 'raw_payload_set':
      parts.payload = rawSet(parts.payload, key, text(step['raw']) ?? 'null')
      return undefined
    case 'raw_header_set':
      parts.header = rawSet(parts.header, key, text(step['raw']) ?? 'null')
      return undefined
    case 'raw_payload_dup': {
      const name = key in details ? details[key as keyof typeof details] : key
      const first = JSON.stringify(claimValue(world, step['first']))
      parts.payload = parts.payload.replace(`"${name}":`, `"${name}":${first},"${name}":`)
      return undefined
    }
    case 'raw_header_dup': {
      const first = JSON.stringify(claimValue(world, step['first']))
      parts.header = parts.header.replace(`"${key}":`, `"${key}":${first},"${key}":`)
      return undefined
    }
    case 'exp_relative':
    case 'iat_relative':
    case 'nbf_relative': {
      const name = step['op'].slice(0, 3)
      const now = Math.floor(Date.now() / 1000)
      const seconds = number(step['seconds']) ?? 0
      const claims: Record<string, unknown> = { ...parse(parts.payload), [name]: now + seconds }
      // An expired capability that was otherwise a good one: it was issued before it expired.
      if (name === 'exp' && seconds <= 0) claims['iat'] = now + seconds - 300
      parts.payload = JSON.stringify(claims)
      return undefined
    }
    case 'sign': {
      state.times.key = key
      return (await sign(world, parts, key))
        ? undefined
        : `not driven: there is no key "${key}" here`
    }
    case 'malleate_signature':
      parts.signature = malleate(parts.signature)
      return undefined
    case 'random_kid':
      state.times.count = number(step['times']) ?? 1
      return undefined
    default:
      return (await applyToText(state, step)) ?? undefined
  }
}

async function applyToText(state: State, step: Json): Promise<string | undefined> {
  const token = state.tokens?.[0] ?? putTogether(state.parts)
  const segments = token.split('.')
  const half = Math.floor(token.length / 2)
  switch (step['op']) {
    case 'std_base64':
      state.tokens = [
        token.replaceAll('-', '+').replaceAll('_', '/'),
        segments.map((part) => Buffer.from(part, 'base64url').toString('base64')).join('.'),
      ].filter((each) => each !== token)
      return undefined
    case 'insert_whitespace':
      state.tokens = ['\n', '\r\n ', ' ', '\t'].map(
        (blank) => `${token.slice(0, half)}${blank}${token.slice(half)}`,
      )
      return undefined
    case 'pad':
    case 'add_padding':
    case 'padding':
      state.tokens = [`${token}=`, `${token}==`, segments.map((part) => `${part}=`).join('.')]
      return undefined
    case 'noncanonical_tail':
    case 'noncanonical':
    case 'flip_unused_bits':
      state.tokens = segments.flatMap((_, i) => lastCharacters(segments, i))
      return state.tokens.length === 0 ? 'not driven: no segment has unused bits' : undefined
    case 'append':
    case 'append_segment':
      state.tokens = [`${token}.`, `${token}.x`, `${token}.${segments[2] ?? ''}`]
      return undefined
    default:
      return applyToBroker(state, step)
  }
}

/** Other last characters of a segment that decode to the same bytes. */
function lastCharacters(segments: readonly string[], at: number): string[] {
  const segment = segments[at] ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet
    .split('')
    .map((last) => `${segment.slice(0, -1)}${last}`)
    .filter((other) => other !== segment)
    .filter((other) => Buffer.from(other, 'base64url').equals(Buffer.from(segment, 'base64url')))
    .map((other) => segments.with(at, other).join('.'))
}

async function applyToBroker(state: State, step: Json): Promise<string | undefined> {
  const { world, base } = state
  const { brokers, agent } = world
  switch (step['op']) {
    case 'revoke': {
      // Known to the other broker before: a cache there must not outlive it.
      const on = step['on'] === 'B' ? await brokers.second() : brokers.first
      const response = await fetch(`${on.url}/oauth/revoke`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: agent.id, client_secret: agent.key, token: base }),
      })
      await response.body?.cancel()
      return response.status === 200
        ? undefined
        : `the revocation answered ${String(response.status)}`
    }
    case 'use_on': {
      if (step['instance'] === 'B') state.port = (await brokers.second()).port
      await sleep(number(step['wait_ms']) ?? 0)
      return undefined
    }
    case 'wait':
    case 'sleep':
      await sleep(number(step['ms']) ?? number(step['wait_ms']) ?? 0)
      return undefined
    default:
      return `not driven: the step "${String(step['op'])}" is not known here`
  }
}

function parse(json: string): Json {
  return JSON.parse(json) as Json
}

function without(value: Json, name: string): Json {
  return Object.fromEntries(Object.entries(value).filter(([each]) => each !== name))
}

function changeCase(json: string, name: string, change: (value: string) => string): string {
  const value = parse(json)
  return JSON.stringify({ ...value, [name]: change(String(value[name])) })
}

/** Replaces or adds a member with JSON that need not be what a serialiser would write. */
function rawSet(json: string, name: string, raw: string): string {
  const rest = JSON.stringify(without(parse(json), name))
  const opening = rest === '{}' ? '{' : `${rest.slice(0, -1)},`
  return `${opening}${JSON.stringify(name)}:${raw}}`
}

async function headerValues(world: World, value: Json): Promise<Json> {
  if (value['kid'] !== 'other_purpose_kid') return value
  const row = await world.brokers.first.broker.db
    .selectFrom('signing_key')
    .select('id')
    .where('purpose', '=', 'operator')
    .executeTakeFirst()
  return { ...value, kid: row?.id }
}

/** The cases say `env` and mean an environment of theirs by its id; ours has an id of its own. */
function claimValue(world: World, value: unknown): unknown {
  const { values, environments } = world
  if (Array.isArray(value)) return value.map((each) => claimValue(world, each))
  if (value === values['ENV_STAGING']) return environments.staging.id
  if (value === values['ENV_PROD']) return environments.production.id
  return value
}

function setClaims(world: World, claims: Json, changes: Json): Json {
  let result = claims
  for (const [name, value] of Object.entries(changes)) {
    const inner = name in details ? details[name as keyof typeof details] : undefined
    result =
      inner === undefined
        ? { ...result, [name]: value }
        : {
            ...result,
            authorization_details: changed(result, { [inner]: claimValue(world, value) }),
          }
  }
  return result
}

function changed(claims: Json, change: Json): unknown {
  const list = claims['authorization_details']
  return Array.isArray(list) ? list.map((each) => ({ ...object(each), ...change })) : list
}

function deleteClaim(claims: Json, name: string): Json {
  if (!(name in details)) return without(claims, name)
  const list = claims['authorization_details']
  const inner = details[name as keyof typeof details]
  return {
    ...claims,
    authorization_details: Array.isArray(list)
      ? list.map((each) => without(object(each), inner))
      : list,
  }
}
