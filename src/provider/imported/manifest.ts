/**
 * What an admin says of a provider of their own: where it answers, how its credential goes out, how its environments are
 * told apart, and what they reviewed. A closed subset of what a shipped provider's manifest can say, in which nothing
 * is code and no text is a regular expression, so that reading it can run nothing and name nothing but itself.
 */
import Type, { type Static, type TProperties, type TSchema } from 'typebox'
import { effects } from '../../core/operation.ts'
import type { CarrierStyle } from '../adapter.ts'
import type { Review } from '../compile/review.ts'
import type { RestManifest } from '../rest/manifest.ts'

function closed<P extends TProperties>(properties: P) {
  return Type.Object(properties, { additionalProperties: false })
}
/** Keys that the pattern does not name, `__proto__` with two underscores among them, are refused. */
function keyed<S extends TSchema>(pattern: string, value: S) {
  return Type.Record(Type.String({ pattern }), value, {
    additionalProperties: false,
    maxProperties: 5_000,
  })
}

const header = '^[a-z][a-z0-9]*(-[a-z0-9]+)*$'
const Header = Type.String({ pattern: header, maxLength: 60 })
const Carrier = closed({
  header: Header,
  prefix: Type.String({
    pattern: '^([A-Za-z][A-Za-z0-9=_-]{0,38} ?)?$',
    description: 'What stands before the token, with its blank: "Bearer ", or nothing.',
  }),
})
const kind = '^[a-z][a-z0-9_-]{0,39}$'
const Kind = Type.String({ pattern: kind })
/** Into an answer: `data.*.id`. */
const At = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9_-]*(\\.([A-Za-z0-9][A-Za-z0-9_-]*|\\*))*$',
  maxLength: 200,
})
const Question = Type.String({
  pattern: '^(/([A-Za-z0-9_~-][A-Za-z0-9._~-]*|\\{id\\}|\\{of\\}))+(\\?[A-Za-z0-9._~=&-]*)?$',
  maxLength: 500,
})
const Home = Type.Union([
  closed({
    is: Type.Literal('place'),
    form: Type.Union(
      [Type.Literal('uuid'), Type.Literal('number'), Type.Literal('name'), Type.Literal('text')],
      { description: 'What such an id looks like; an environment is bound to it.' },
    ),
  }),
  closed({
    is: Type.Literal('asked'),
    path: Question,
    at: At,
    of: Kind,
    same: Type.Optional(At),
  }),
  closed({
    is: Type.Literal('listed'),
    of: Kind,
    path: Question,
    items: At,
    spelled: Type.String({ pattern: '^[A-Za-z0-9:/._-]*\\{id\\}$', maxLength: 100 }),
    next: At,
  }),
])

export const ImportedManifest = closed({
  origin: Type.String({
    pattern: '^https://[a-z0-9.-]{1,253}(:[0-9]{1,5})?$',
    description: 'Where it answers: https, without a path; as the provider’s own, for ever.',
  }),
  carriers: Type.Optional(
    Type.Array(Carrier, {
      minItems: 1,
      maxItems: 4,
      description: 'Where a capability may arrive; Authorization: Bearer by default.',
    }),
  ),
  injection: Type.Optional(Carrier),
  caseless: Type.Optional(
    Type.Boolean({ description: 'Ids are compared without regard to case.' }),
  ),
  headers: Type.Optional(keyed(header, Type.String({ pattern: '^[!-~]([ -~]{0,198}[!-~])?$' }))),
  meaningful_headers: Type.Optional(
    Type.Array(Header, {
      maxItems: 20,
      description: 'Of requests, an idempotency key among them.',
    }),
  ),
  refused_headers: Type.Optional(
    Type.Array(Header, { maxItems: 50, description: 'They would switch who acts.' }),
  ),
  accepts: Type.Optional(
    Type.Array(Type.String({ pattern: '^[a-z]+/[a-z0-9.+-]+$', maxLength: 100 }), {
      minItems: 1,
      maxItems: 20,
    }),
  ),
  credential_is_environment: Type.Optional(
    Type.Boolean({
      description:
        'Whatever the credential reaches is the environment, which is bound as key:own; no id is looked at.',
    }),
  ),
  homes: Type.Optional(keyed(kind, Home)),
})
export type ImportedManifest = Static<typeof ImportedManifest>

const operation = '^[A-Za-z_][A-Za-z0-9_./-]{0,199}$'
const Operation = Type.String({ pattern: operation })
const Operations = Type.Array(Operation, { maxItems: 5_000 })
const Argument = '^[A-Za-z0-9_-]+(\\.([A-Za-z0-9_-]+|\\*))*$'
const Effect = Type.Union(effects.map((effect) => Type.Literal(effect)))
const Segments = Type.Array(Type.String({ pattern: '^[A-Za-z0-9._-]{1,60}$' }), { maxItems: 200 })
const Scalar = Type.Union([
  // The database has no text with a NUL.
  Type.String({ maxLength: 1000, pattern: '^[^\\x00]*$' }),
  Type.Number(),
  Type.Boolean(),
  Type.Null(),
])
/** Read by people and sent to agents. */
const Sentence = Type.String({ pattern: '^[ -~]{1,200}$' })
const Condition = closed({
  path: Type.Optional(Type.String({ pattern: Argument, maxLength: 200 })),
  equals: Type.Optional(Scalar),
  oneOf: Type.Optional(Type.Array(Scalar, { minItems: 1, maxItems: 100 })),
  noneOf: Type.Optional(Type.Array(Scalar, { minItems: 1, maxItems: 100 })),
  max: Type.Optional(Type.Number()),
  min: Type.Optional(Type.Number()),
  contains: Type.Optional(Type.String({ pattern: '^[^\\x00]{1,200}$' })),
  adds: Type.Optional(Type.Array(Effect, { minItems: 1, maxItems: 5, uniqueItems: true })),
  widens: Type.Optional(Sentence),
})

export const ImportedReview = closed({
  effects: Type.Optional(
    keyed(
      operation,
      Type.Array(Effect, {
        minItems: 1,
        maxItems: 4,
        uniqueItems: true,
        description:
          'read or write first, and only one of the two; they replace what the rules give.',
      }),
    ),
  ),
  denied: Type.Optional(keyed(operation, Sentence)),
  public: Type.Optional(Operations),
  account: Type.Optional(Operations),
  open: Type.Optional(
    Type.Array(Operation, {
      maxItems: 5_000,
      description:
        'The description does not say what their query or body may hold, and somebody has looked: none of it is an id that leads elsewhere.',
    }),
  ),
  conditions: Type.Optional(keyed(operation, Type.Array(Condition, { minItems: 1, maxItems: 20 }))),
  ids: Type.Optional(
    Type.Array(
      closed({
        at: Type.String({ pattern: Argument, maxLength: 200 }),
        under: Type.Optional(Type.String({ pattern: '^/[!-~]{0,300}$' })),
        kind: Type.Optional(Kind),
        role: Type.Optional(
          Type.Union([
            Type.Literal('target'),
            Type.Literal('container'),
            Type.Literal('environment'),
          ]),
        ),
      }),
      { maxItems: 1_000 },
    ),
  ),
  reveals: Type.Optional(keyed(operation, Type.Array(At, { minItems: 1, maxItems: 50 }))),
  reveals_not: Type.Optional(Segments),
  governing: Type.Optional(Segments),
  revealing: Type.Optional(Segments),
  harmless: Type.Optional(Segments),
})
export type ImportedReview = Static<typeof ImportedReview>

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
): Complaint | undefined {
  const { origin, homes = {}, injection = bearer } = manifest
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

  for (const [name, home] of Object.entries(homes)) {
    const pointer = `/manifest/homes/${name}`
    if (home.is === 'place') continue
    const end = endOf(name, homes)
    if (end === undefined)
      return { pointer, detail: 'following "of" does not end at a kind that is a place' }
    if (home.is === 'listed' && homes[home.of]?.is !== 'place')
      return { pointer, detail: '"of" must be a kind that is a place' }
    const [wanted, other] = home.is === 'asked' ? ['{id}', '{of}'] : ['{of}', '{id}']
    if (home.path.split(wanted).length !== 2 || home.path.includes(other))
      return { pointer: `${pointer}/path`, detail: `it must hold ${wanted} once` }
  }
  if (manifest.credential_is_environment === true && Object.keys(homes).length > 0)
    return {
      pointer: '/manifest/homes',
      detail: 'the credential is the environment: no id has a home',
    }

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

const bearer = { header: 'authorization', prefix: 'Bearer ' } as const

const forms = {
  uuid: {
    pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
    example: '0b6c5a1e-6f0d-4a7e-9a51-8c2f3d1e4b5a',
  },
  number: { pattern: '^(0|[1-9][0-9]{0,14})$', example: '12345' },
  name: { pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$', example: 'staging' },
  text: { pattern: '^[!-~]{1,200}$', example: 'acct_1A2b3C' },
} as const

export function toRestManifest(name: string, given: ImportedManifest): RestManifest {
  const style = (one: { header: string; prefix: string }, called: string): CarrierStyle => ({
    name: called,
    ...one,
  })
  const { carriers = [bearer], injection = bearer, homes = {} } = given
  const own = given.credential_is_environment === true
  return {
    name,
    origins: [given.origin],
    pathPrefixes: [],
    carriers: carriers.map((one, i) => style(one, i === 0 ? 'token' : `token-${String(i + 1)}`)),
    injections: [style(injection, 'token')],
    bindings: own
      ? [{ kind: 'key', pattern: '^own$', example: 'own' }]
      : Object.entries(homes).flatMap(([kind, home]) =>
          home.is === 'place' ? [{ kind, ...forms[home.form] }] : [],
        ),
    caseless: given.caseless === true,
    headers: given.headers ?? {},
    meaningfulHeaders: Object.fromEntries(
      (given.meaningful_headers ?? []).map((one) => [one, /^[\x21-\x7e]{1,255}$/]),
    ),
    refusedHeaders: given.refused_headers ?? [],
    accepts: given.accepts ?? ['application/json'],
    bodyLimit: 1_048_576,
    homes: Object.fromEntries(
      Object.entries(homes).map(([kind, home]) => {
        if (home.is === 'place') return [kind, { is: 'place' as const }]
        if (home.is === 'listed') return [kind, home]
        const { same, ...rest } = home
        return [kind, same === undefined ? rest : { ...rest, same }]
      }),
    ),
    ...(own ? { self: { is: 'key' as const } } : {}),
    rateLimitHeaders: [],
  }
}

/**
 * The review as the compiler reads it. Its records have no prototype: the compiler looks operations up in them by names
 * that the description chose, and `constructor` is such a name.
 */
export function toReview(
  source: string,
  manifest: ImportedManifest | undefined,
  given: ImportedReview,
): Review {
  const bare = <T>(record: Readonly<Record<string, T>> | undefined): Record<string, T> =>
    Object.assign(Object.create(null) as Record<string, T>, record)
  return {
    source,
    effects: bare(given.effects),
    denied: bare(given.denied),
    conditions: bare(given.conditions),
    reveals: bare(given.reveals),
    also: bare(undefined),
    sameAs: bare(undefined),
    public: given.public ?? [],
    account: given.account ?? [],
    ids: given.ids ?? [],
    revealsNot: given.reveals_not ?? [],
    governing: given.governing ?? [],
    revealing: given.revealing ?? [],
    harmless: given.harmless ?? [],
    ...(manifest?.credential_is_environment === true ? { credentialIsEnvironment: true } : {}),
  }
}
