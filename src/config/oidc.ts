/**
 * The variables of operators' sign-in by OpenID Connect. Which groups give which roles is data, compared by equality: a
 * group that only looks like one that is listed gives nothing.
 */
import { resolve } from 'node:path'
import Type, { type Static } from 'typebox'
import { ConfigError } from './error.ts'
import { parseJson } from '../core/json.ts'
import type { JsonValue } from '../core/operation.ts'
import type { Role } from '../db/types.ts'
import { complaintAboutIssuer } from '../federation/issuer.ts'
import { isPublicAddress } from '../proxy/address.ts'

export const oidcVariables = {
  VALETKEY_OIDC_ISSUER: Type.Optional(Type.String({ minLength: 1 })),
  VALETKEY_OIDC_CLIENT_ID: Type.Optional(Type.String({ pattern: '^[!-~]{1,500}$' })),
  VALETKEY_OIDC_CLIENT_SECRET_FILE: Type.Optional(Type.String({ minLength: 1 })),
  VALETKEY_OIDC_CLIENT_KEY_FILE: Type.Optional(Type.String({ minLength: 1 })),
  VALETKEY_OIDC_SCOPE: Type.Optional(
    Type.String({ pattern: '^[!#-\\[\\]-~]+( [!#-\\[\\]-~]+)*$' }),
  ),
  VALETKEY_OIDC_GROUPS_CLAIM: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  /** `{"platform-admins":["admin"],"on-call":["approver","auditor"]}` */
  VALETKEY_OIDC_GROUPS: Type.Optional(Type.String({ minLength: 1 })),
  VALETKEY_OIDC_LABEL: Type.Optional(Type.String({ pattern: '^[ -~]{1,60}$' })),
  VALETKEY_OIDC_INTERNAL: Type.Optional(Type.Union([Type.Literal('true'), Type.Literal('false')])),
} as const

const Variables = Type.Object(oidcVariables)
type Variables = Static<typeof Variables>

export type OidcConfig = {
  readonly issuer: string
  readonly clientId: string
  /** Neither, for a public client; never both. */
  readonly clientSecretFile: string | undefined
  readonly clientKeyFile: string | undefined
  readonly scope: string
  readonly groupsClaim: string
  /** By group: the roles that it gives. */
  readonly groups: ReadonlyMap<string, readonly Role[]>
  /** What the button of the sign-in page names. */
  readonly label: string
  readonly internal: boolean
}

const roles = ['admin', 'approver', 'auditor'] as const

/** Claims that name a person to people. Whoever is given an address, or may choose a name, would have the roles of it. */
const reassigned = new Set([
  'email',
  'name',
  'preferred_username',
  'nickname',
  'upn',
  'unique_name',
  // OpenID Connect Core §5.1: what people may say of themselves.
  'given_name',
  'family_name',
  'middle_name',
  'profile',
  'picture',
  'website',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
  'phone_number',
  'address',
])

/** Everybody's accounts, or those of every organisation. Its tokens name a tenant each, so that no sign-in would succeed. */
const manyTenants =
  /^https:\/\/login\.microsoftonline\.[a-z]+\/(common|organizations|consumers)(\/|$)/i

/** Undefined where none of the variables is given; throws a `ConfigError` that names the one that is wrong. */
export function oidcFrom(v: Variables): OidcConfig | undefined {
  const issuer = v.VALETKEY_OIDC_ISSUER
  if (issuer === undefined) {
    const stray = Object.keys(oidcVariables).find(
      (name) => v[name as keyof Variables] !== undefined,
    )
    if (stray !== undefined) throw new ConfigError(`${stray} is given without VALETKEY_OIDC_ISSUER`)
    return undefined
  }
  const internal = v.VALETKEY_OIDC_INTERNAL === 'true'
  const complaint = complaintAboutIssuer({ issuer, internal }, isPublicAddress)
  if (complaint !== undefined) {
    throw new ConfigError(
      `VALETKEY_OIDC_ISSUER cannot be used, ${complaint}${internal ? '' : ' (VALETKEY_OIDC_INTERNAL=true says that it lies in your own network)'}`,
    )
  }
  if (manyTenants.test(issuer)) {
    throw new ConfigError(
      'VALETKEY_OIDC_ISSUER stands for many tenants of Entra, and anybody may have one: it must name yours by its id',
    )
  }
  const clientId = v.VALETKEY_OIDC_CLIENT_ID
  if (clientId === undefined)
    throw new ConfigError('VALETKEY_OIDC_ISSUER needs VALETKEY_OIDC_CLIENT_ID')
  const scope = v.VALETKEY_OIDC_SCOPE ?? 'openid profile offline_access'
  if (!scope.split(' ').includes('openid'))
    throw new ConfigError('VALETKEY_OIDC_SCOPE must have openid among its scopes')
  const groupsClaim = v.VALETKEY_OIDC_GROUPS_CLAIM ?? 'groups'
  if (reassigned.has(groupsClaim)) {
    throw new ConfigError(
      `VALETKEY_OIDC_GROUPS_CLAIM=${groupsClaim} would give roles to a name, which may be another person's tomorrow: use groups, or sub`,
    )
  }
  const secretFile = v.VALETKEY_OIDC_CLIENT_SECRET_FILE
  const keyFile = v.VALETKEY_OIDC_CLIENT_KEY_FILE
  if (secretFile !== undefined && keyFile !== undefined) {
    throw new ConfigError(
      'VALETKEY_OIDC_CLIENT_SECRET_FILE and VALETKEY_OIDC_CLIENT_KEY_FILE are two ways to be the same client: give one',
    )
  }
  return Object.freeze({
    issuer,
    clientId,
    clientSecretFile: absolute(secretFile),
    clientKeyFile: absolute(keyFile),
    scope,
    groupsClaim,
    groups: groupsFrom(v.VALETKEY_OIDC_GROUPS),
    label: v.VALETKEY_OIDC_LABEL ?? new URL(issuer).host,
    internal,
  })
}

function absolute(file: string | undefined): string | undefined {
  return file === undefined ? undefined : resolve(file)
}

function groupsFrom(text: string | undefined): ReadonlyMap<string, readonly Role[]> {
  const wrong = (what: string): ConfigError =>
    new ConfigError(
      `VALETKEY_OIDC_GROUPS ${what}: it is JSON, by group its roles, like {"platform-admins":["admin"]}`,
    )
  if (text === undefined) throw wrong('is needed with VALETKEY_OIDC_ISSUER')
  const parsed = parseJson(Buffer.from(text))
  if (!parsed.ok) throw wrong(`cannot be read (${parsed.detail})`)
  if (!isObject(parsed.value)) throw wrong('is no object')
  const groups = new Map<string, readonly Role[]>()
  for (const [group, given] of Object.entries(parsed.value)) {
    if (group === '') throw wrong('names a group without a name')
    const found = Array.isArray(given) ? roles.filter((role) => given.includes(role)) : []
    if (!Array.isArray(given) || found.length === 0 || found.length !== given.length)
      throw wrong(`gives ${JSON.stringify(group)} something else than ${roles.join(', ')}`)
    groups.set(group, found)
  }
  if (groups.size === 0) throw wrong('names no group')
  return groups
}

function isObject(value: JsonValue): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
