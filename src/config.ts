/**
 * One schema of the environment variables, and the only reader of `process.env`. What is read is frozen; a variable
 * that is misspelt, or of the wrong shape, stops the start with its name.
 */
import path from 'node:path'
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { oidcFrom, oidcVariables, type OidcConfig } from './config/oidc.ts'
import { ConfigError } from './config/error.ts'
import { isLoopback } from './core/loopback.ts'

export { ConfigError } from './config/error.ts'

const Schema = Type.Object(
  {
    PORT: Type.String({ pattern: '^[0-9]{1,5}$', default: '8474' }),
    HOST: Type.String({ minLength: 1, default: '127.0.0.1' }),
    PUBLIC_URL: Type.Optional(Type.String({ pattern: '^https?://[A-Za-z0-9.:\\[\\]-]+$' })),
    DATABASE_URL: Type.Optional(Type.String({ pattern: '^postgres(ql)?://' })),
    LOG_LEVEL: Type.Union(
      (['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const).map((level) =>
        Type.Literal(level),
      ),
      { default: 'info' },
    ),
    VALETKEY_DATA_DIR: Type.Optional(Type.String({ minLength: 1 })),
    VALETKEY_KEK_SOURCE: Type.Optional(
      Type.Union([Type.Literal('file'), Type.Literal('env'), Type.Literal('passphrase')]),
    ),
    VALETKEY_KEK_FILE: Type.Optional(Type.String({ minLength: 1 })),
    VALETKEY_KEK: Type.Optional(Type.String({ minLength: 1 })),
    VALETKEY_TLS_CERT: Type.Optional(Type.String({ minLength: 1 })),
    VALETKEY_TLS_KEY: Type.Optional(Type.String({ minLength: 1 })),
    VALETKEY_BEHIND_PROXY: Type.Optional(Type.Union([Type.Literal('true'), Type.Literal('false')])),
    /** `railway=http://127.0.0.1:9101,github=http://127.0.0.1:9102`: for a stand-in or a provider of one's own. */
    VALETKEY_UPSTREAMS: Type.Optional(
      Type.String({ pattern: '^[a-z0-9-]+=https?://[^,/]+(,[a-z0-9-]+=https?://[^,/]+)*$' }),
    ),
    /** `https://login.example.com=https://10.0.0.5:8443`: where a token service really is, which may be internal. */
    VALETKEY_TOKEN_SERVICES: Type.Optional(
      Type.String({
        pattern: '^https://[^,/=]+=https?://[^,/=]+(,https://[^,/=]+=https?://[^,/=]+)*$',
      }),
    ),
    VALETKEY_PASSWORDS: Type.Union([Type.Literal('on'), Type.Literal('off')], { default: 'on' }),
    ...oidcVariables,
    XDG_STATE_HOME: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)

type Variables = Static<typeof Schema>
const names = Object.keys(Schema.properties) as (keyof Variables)[]

export type KekSource =
  | { readonly kind: 'file'; readonly path: string | undefined }
  | { readonly kind: 'env'; readonly value: string }
  | { readonly kind: 'passphrase' }

export type Config = {
  readonly port: number
  readonly host: string
  /** An origin without trailing slash; the only source of `iss`, `aud`, cookies and printed links. */
  readonly publicUrl: string
  readonly databaseUrl: string | undefined
  readonly dataDir: string | undefined
  readonly xdgStateHome: string | undefined
  readonly kek: KekSource
  readonly logLevel: Variables['LOG_LEVEL']
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined
  readonly behindProxy: boolean
  /** Origins that replace the providers' own, by provider. Each counts as declared internal. */
  readonly upstreams: Readonly<Record<string, string>>
  /** Where token services really are, by the origin that parameters name. Each counts as declared internal. */
  readonly tokenServices: Readonly<Record<string, string>>
  /** Whether operators may sign in with a password of their own. */
  readonly passwords: 'on' | 'off'
  /** Where operators sign in by OpenID Connect. */
  readonly oidc: OidcConfig | undefined
}

/** Reads the configuration, or throws a `ConfigError` that names the variable. The KEK is removed from `env`. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given: Record<string, string> = {}
  for (const name of names) {
    const value = env[name]
    if (value !== undefined && value !== '') given[name] = value
  }
  for (const name of Object.keys(env)) {
    if (
      name.startsWith('VALETKEY_') &&
      !(names as string[]).includes(name) &&
      !clientVariables.includes(name)
    ) {
      throw new ConfigError(
        `${name} is not a variable that Valetkey knows; it knows ${names.join(', ')}`,
      )
    }
  }
  const variables: unknown = Value.Default(Schema, given)
  if (!Value.Check(Schema, variables)) {
    const [error] = Value.Errors(Schema, variables)
    const name = error?.instancePath.slice(1) ?? 'a variable'
    throw new ConfigError(`${name} ${error?.message ?? 'is not valid'}; see docs/configuration.md`)
  }
  // A child process, a crash report or a debugger must not find the key in the environment.
  delete env['VALETKEY_KEK']
  return Object.freeze(fromVariables(variables))
}

/** Variables of the CLI and of the tests, which the broker leaves alone. */
const clientVariables = [
  'VALETKEY_URL',
  'VALETKEY_PASSWORD_FILE',
  'VALETKEY_CONFIG_HOME',
  'VALETKEY_TEST_DATABASE',
]

function fromVariables(v: Variables): Config {
  const port = Number(v.PORT)
  if (port > 65_535) throw new ConfigError('PORT must be at most 65535')
  if ((v.VALETKEY_TLS_CERT === undefined) !== (v.VALETKEY_TLS_KEY === undefined)) {
    throw new ConfigError('VALETKEY_TLS_CERT and VALETKEY_TLS_KEY must be given together')
  }
  const tls =
    v.VALETKEY_TLS_CERT !== undefined && v.VALETKEY_TLS_KEY !== undefined
      ? { certFile: v.VALETKEY_TLS_CERT, keyFile: v.VALETKEY_TLS_KEY }
      : undefined
  const behindProxy = v.VALETKEY_BEHIND_PROXY === 'true'
  if (!isLoopback(v.HOST) && tls === undefined && !behindProxy) {
    throw new ConfigError(
      `HOST=${v.HOST} would let capabilities cross the network in the clear: give VALETKEY_TLS_CERT and ` +
        `VALETKEY_TLS_KEY, or say VALETKEY_BEHIND_PROXY=true where a proxy in front of the broker ends TLS`,
    )
  }
  const publicUrl =
    v.PUBLIC_URL ?? `${tls === undefined ? 'http' : 'https'}://localhost:${String(port)}`
  if (new URL(publicUrl).origin !== publicUrl) {
    throw new ConfigError(
      'PUBLIC_URL must be an origin in lower case, without a path, a trailing slash or a default port',
    )
  }
  const oidc = oidcFrom(v)
  if (v.VALETKEY_PASSWORDS === 'off' && oidc === undefined) {
    throw new ConfigError(
      'VALETKEY_PASSWORDS=off would let nobody in: give VALETKEY_OIDC_ISSUER, where operators sign in instead',
    )
  }
  return {
    port,
    host: v.HOST,
    publicUrl,
    databaseUrl: v.DATABASE_URL,
    dataDir: v.VALETKEY_DATA_DIR === undefined ? undefined : path.resolve(v.VALETKEY_DATA_DIR),
    xdgStateHome: v.XDG_STATE_HOME,
    kek: kekSource(v),
    logLevel: v.LOG_LEVEL,
    tls,
    behindProxy,
    upstreams: Object.freeze(
      Object.fromEntries(
        (v.VALETKEY_UPSTREAMS ?? '')
          .split(',')
          .filter((item) => item !== '')
          .map((item) => {
            const at = item.indexOf('=')
            return [item.slice(0, at), new URL(item.slice(at + 1)).origin]
          }),
      ),
    ),
    tokenServices: Object.freeze(
      Object.fromEntries(
        (v.VALETKEY_TOKEN_SERVICES ?? '')
          .split(',')
          .filter((item) => item !== '')
          .map((item) => item.split('=').map((url) => new URL(url).origin) as [string, string]),
      ),
    ),
    passwords: v.VALETKEY_PASSWORDS,
    oidc,
  }
}

function kekSource(v: Variables): KekSource {
  const kind = v.VALETKEY_KEK_SOURCE ?? (v.VALETKEY_KEK === undefined ? 'file' : 'env')
  if (kind === 'env') {
    if (v.VALETKEY_KEK === undefined)
      throw new ConfigError('VALETKEY_KEK_SOURCE=env needs VALETKEY_KEK')
    return { kind, value: v.VALETKEY_KEK }
  }
  if (v.VALETKEY_KEK !== undefined) {
    throw new ConfigError(`VALETKEY_KEK is given, but VALETKEY_KEK_SOURCE is ${kind}`)
  }
  if (kind === 'passphrase') return { kind }
  return {
    kind,
    path: v.VALETKEY_KEK_FILE === undefined ? undefined : path.resolve(v.VALETKEY_KEK_FILE),
  }
}
