/**
 * The identity provider at which operators sign in (OpenID Connect Core, authorization code with PKCE). Guarantees, against
 * whoever can send a browser to our callback, stands at another provider, or holds a token that was meant for another
 * client: what is believed came from the token endpoint of the configured issuer, for the very code, state, nonce and
 * verifier of this attempt; the ID token is signed by a key of that issuer, with an algorithm that its metadata names, and
 * meant for us. Nothing of a token is quoted in what is said about a failure.
 */
import type {
  ClientAuth,
  Configuration,
  CustomFetch,
  ServerMetadata,
  UserInfoResponse,
} from 'openid-client'
import type { ClientKey } from './client-key.ts'

/** How the broker shows the provider that it is its client. One that is public has PKCE alone. */
export type ClientProof =
  | { readonly kind: 'public' }
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'key'; readonly key: ClientKey }

export type IdentityProviderSettings = {
  readonly issuer: string
  readonly clientId: string
  readonly client: ClientProof
  /** Space-separated; with `openid`. */
  readonly scope: string
  readonly groupsClaim: string
  /** It may lie in a private network, or be plain HTTP on loopback. */
  readonly internal: boolean
}

/** Who somebody is, in the provider's words. */
export type Person = {
  readonly issuer: string
  readonly subject: string
  /** What they are called there. Anybody may be called anything: for people to read, and for nothing else. */
  readonly name: string | undefined
  /** Undefined where the provider said nothing about groups. */
  readonly groups: readonly string[] | undefined
  /** When they last showed who they are, in milliseconds since the epoch; undefined where the provider does not say. */
  readonly authenticatedAt: number | undefined
}

export type Attempt = {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  /** Whether they are to show anew who they are, whatever sign-in there is at the provider. */
  readonly fresh: boolean
}

export type Met =
  | { readonly ok: true; readonly person: Person; readonly refreshToken: string | undefined }
  | {
      readonly ok: false
      /** `refused`: the provider, or what it sent, says no. `unavailable`: it could not be asked. */
      readonly why: 'refused' | 'unavailable'
      readonly detail: string
    }

export type IdentityProvider = {
  readonly issuer: string
  /** Where the browser is sent; undefined where the provider cannot be asked about itself. */
  begin(attempt: Attempt): Promise<URL | undefined>
  /** `callback`: the redirect URI, with the query that came. */
  finish(callback: URL, attempt: Attempt): Promise<Met>
  /** Whether a person may still come in. `refused` is for good. */
  confirm(refreshToken: string, subject: string): Promise<Met>
}

const unknown = { name: undefined, groups: undefined, authenticatedAt: undefined } as const

/** How long metadata is kept, in milliseconds. Keys are kept by the client, and fetched anew for a `kid` it does not know. */
const metadataKept = 3_600_000

/** Milliseconds that the provider's clock may be ahead of ours: the client bears as many that it is behind. */
const clockTolerance = 30_000

/** RFC 6749 §5.2 and OpenID Connect Core §3.1.2.6: what cannot be mended by asking again. */
const final = new Set([
  'invalid_grant',
  'access_denied',
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
])

export function createIdentityProvider(
  settings: IdentityProviderSettings,
  deps: {
    readonly redirectUri: string
    readonly fetch: CustomFetch
    readonly now: () => number
  },
): IdentityProvider {
  const { issuer, clientId, groupsClaim } = settings
  let known: { config: Configuration; until: number } | undefined
  let asking: Promise<Configuration> | undefined

  /** Rejects where the provider does not answer, or answers as another issuer. */
  async function configuration(): Promise<Configuration> {
    if (known !== undefined && known.until > deps.now()) return known.config
    // However many wait for it, it is asked once.
    asking ??= discover().finally(() => (asking = undefined))
    return asking
  }

  async function discover(): Promise<Configuration> {
    const openid = await import('openid-client')
    const found = await openid.discovery(new URL(issuer), clientId, undefined, openid.None(), {
      [openid.customFetch]: deps.fetch,
      timeout: 10,
      execute: settings.internal ? [openid.allowInsecureRequests] : [],
    })
    const metadata = found.serverMetadata()
    // The library lets Entra's many tenants stand for one issuer; here it is one, byte for byte.
    if (metadata.issuer !== issuer) throw new Error('its metadata is that of another issuer')
    const proof = await proofOf(settings.client, metadata)
    const config = new openid.Configuration({ ...metadata }, clientId, undefined, proof)
    config[openid.customFetch] = deps.fetch
    config.timeout = 10
    if (settings.internal) openid.allowInsecureRequests(config)
    // Core §3.1.3.7 lets TLS stand for the signature. What takes its place in front of the provider has TLS, too.
    openid.enableNonRepudiationChecks(config)
    known = { config, until: deps.now() + metadataKept }
    return config
  }

  /** What the ID token leaves open, the UserInfo endpoint may say (Core §5.3); of the same subject, or nothing. */
  async function personOf(
    config: Configuration,
    claims: Readonly<Record<string, unknown>> | undefined,
    accessToken: string,
    subject: string,
  ): Promise<Person> {
    const said = claims ?? {}
    let more: UserInfoResponse | undefined
    if (!Object.hasOwn(said, groupsClaim) && config.serverMetadata().userinfo_endpoint) {
      const { fetchUserInfo } = await import('openid-client')
      more = await fetchUserInfo(config, accessToken, subject)
    }
    const claim = (name: string): unknown => (Object.hasOwn(said, name) ? said[name] : more?.[name])
    const authTime = said['auth_time']
    const authenticatedAt =
      typeof authTime === 'number' && authTime > 0 ? Math.floor(authTime) * 1000 : undefined
    // By a clock that is ahead, what was an hour ago is now.
    const ahead = (authenticatedAt ?? 0) > deps.now() + clockTolerance
    const asked = claims !== undefined || more !== undefined
    return {
      issuer,
      subject,
      name: [claim('preferred_username'), claim('email'), claim('name')].find(
        (name): name is string => typeof name === 'string' && name !== '',
      ),
      groups: asked ? groupsOf(claim(groupsClaim)) : undefined,
      authenticatedAt: ahead ? undefined : authenticatedAt,
    }
  }

  async function attempt(work: () => Promise<Met>): Promise<Met> {
    try {
      return await work()
    } catch (error) {
      const code = oauthError(error)
      const why = code !== undefined && final.has(code) ? 'refused' : 'unavailable'
      return { ok: false, why, detail: nameOf(error) }
    }
  }

  return {
    issuer,
    async begin({ state, nonce, verifier, fresh }) {
      const openid = await import('openid-client')
      let config: Configuration
      try {
        config = await configuration()
      } catch {
        return undefined
      }
      return openid.buildAuthorizationUrl(config, {
        redirect_uri: deps.redirectUri,
        scope: settings.scope,
        state,
        nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...(fresh ? freshness(issuer) : {}),
      })
    },

    async finish(callback, { state, nonce, verifier, fresh }) {
      let config: Configuration
      try {
        config = await configuration()
      } catch (error) {
        return { ok: false, why: 'unavailable', detail: nameOf(error) }
      }
      const openid = await import('openid-client')
      const met = await attempt(async () => {
        const tokens = await openid.authorizationCodeGrant(config, callback, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
          ...(fresh ? { maxAge: 0 } : {}),
        })
        const claims = tokens.claims()
        if (claims === undefined) return { ok: false, why: 'refused', detail: 'no ID token' }
        // Core §2: ASCII, and 255 characters at the most. What is longer, or cannot be written down, is nobody.
        if (!/^[ -~]{1,255}$/.test(claims.sub))
          return { ok: false, why: 'refused', detail: 'its sub is no subject' }
        const person = await personOf(config, claims, tokens.access_token, claims.sub)
        if (fresh && person.authenticatedAt === undefined)
          return { ok: false, why: 'refused', detail: 'its auth_time is ahead of our clock' }
        return { ok: true, person, refreshToken: tokens.refresh_token }
      })
      // Whatever went wrong, this attempt is over: the code is used up.
      return met.ok ? met : { ...met, why: 'refused' }
    },

    confirm: (refreshToken, subject) =>
      attempt(async () => {
        const config = await configuration()
        const openid = await import('openid-client')
        const tokens = await openid.refreshTokenGrant(config, refreshToken)
        const claims = tokens.claims()
        if (claims !== undefined && claims.sub !== subject)
          return { ok: false, why: 'refused', detail: 'it is another person now' }
        // The token that was used may be used up: what took its place is kept, whatever else the provider fails to say.
        const person = await personOf(config, claims, tokens.access_token, subject).catch(
          (): Person => ({ ...unknown, issuer, subject }),
        )
        return { ok: true, person, refreshToken: tokens.refresh_token ?? refreshToken }
      }),
  }
}

/** Core §3.1.2.1. Google knows neither `prompt=login` nor `max_age`, but can say when; others ignore `claims`. */
function freshness(issuer: string): Record<string, string> {
  return {
    max_age: '0',
    claims: '{"id_token":{"auth_time":{"essential":true}}}',
    ...(issuer === 'https://accounts.google.com' ? {} : { prompt: 'login' }),
  }
}

async function proofOf(client: ClientProof, metadata: ServerMetadata): Promise<ClientAuth> {
  const openid = await import('openid-client')
  switch (client.kind) {
    case 'public':
      return openid.None()
    case 'secret':
      return takesSecretInForm(metadata)
        ? openid.ClientSecretPost(client.secret)
        : openid.ClientSecretBasic(client.secret)
    case 'key': {
      const { kid, certificate, toSignWith } = client.key
      const key = await toSignWith(metadata.token_endpoint_auth_signing_alg_values_supported)
      return openid.PrivateKeyJwt(
        { key, ...(kid === undefined ? {} : { kid }) },
        {
          [openid.modifyAssertion](header) {
            if (certificate !== undefined) header['x5t#S256'] = certificate
          },
        },
      )
    }
  }
}

/** Providers differ in how they decode a secret in HTTP Basic; in the form there is one way. */
function takesSecretInForm({ token_endpoint_auth_methods_supported: methods }: ServerMetadata) {
  return methods === undefined || methods.includes('client_secret_post')
}

/** A claim of several groups, or of one. What is no text is no group. */
function groupsOf(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return [claim]
  return Array.isArray(claim) ? claim.filter((each) => typeof each === 'string') : []
}

function oauthError(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('error' in error)) return undefined
  return typeof error.error === 'string' ? error.error : undefined
}

/** What kind of failure it was; never what came over the wire, but for the provider's code where it has the form of one. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const code = oauthError(error)
  if (code !== undefined && /^[a-z_]{1,60}$/.test(code)) return code
  const inner = 'cause' in error && error.cause instanceof Error ? error.cause : undefined
  if (inner !== undefined && 'code' in inner && typeof inner.code === 'string')
    return `${error.message} (${inner.code})`
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
