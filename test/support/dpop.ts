/** A client that can do DPoP, by hand, so that a test can make each part of a proof wrong. */
import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey']

export type DpopKey = {
  readonly alg: string
  readonly privateKey: PrivateKey
  readonly jwk: JWK
  readonly privateJwk: JWK
  readonly jkt: string
}

export async function dpopKey(alg = 'ES256'): Promise<DpopKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return {
    alg,
    privateKey,
    jwk,
    privateJwk: await exportJWK(privateKey),
    jkt: await calculateJwkThumbprint(jwk),
  }
}

/** `ath`. */
export function athOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** Members that are undefined are left out. */
export function signProof(
  key: DpopKey,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return new SignJWT({ jti: randomUUID(), iat: Math.floor(Date.now() / 1000), ...claims })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: key.alg, jwk: key.jwk, ...header })
    .sign(key.privateKey)
}

export type DpopRequest = {
  readonly method?: string
  /** Under the broker's own URL: `/proxy/railway/graphql/v2`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | URLSearchParams
  /** The capability; at the token endpoint there is none. */
  readonly token?: string
  /** Where the capability goes, in place of `Authorization: DPoP …`. */
  readonly carry?: Readonly<Record<string, string>>
  readonly claims?: Readonly<Record<string, unknown>>
}

export type DpopClient = {
  readonly key: DpopKey
  /** The nonce that it was told last. */
  nonce: string | undefined
  proof(request: DpopRequest): Promise<string>
  /** One request, with a new proof. */
  once(request: DpopRequest): Promise<Response>
  /** The same, again with the nonce where that is asked for. */
  send(request: DpopRequest): Promise<Response>
  token(agentId: string, agentKey: string, details?: object): Promise<string>
}

/** `url`: where the broker listens; `publicUrl`: what it calls itself. */
export function dpopClient(
  key: DpopKey,
  url: string,
  publicUrl = 'http://localhost:8474',
): DpopClient {
  const client: DpopClient = {
    key,
    nonce: undefined,
    proof: ({ method = 'GET', path, token, claims = {} }) =>
      signProof(key, {
        htm: method,
        htu: `${publicUrl}${path.split('?')[0] ?? ''}`,
        ...(token === undefined ? {} : { ath: athOf(token) }),
        ...(client.nonce === undefined ? {} : { nonce: client.nonce }),
        ...claims,
      }),
    async once(request) {
      const { method = 'GET', path, headers = {}, body, token, carry } = request
      const carried = carry ?? (token === undefined ? {} : { authorization: `DPoP ${token}` })
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { ...headers, ...carried, dpop: await client.proof(request) },
        ...(body === undefined ? {} : { body }),
      })
      client.nonce = response.headers.get('dpop-nonce') ?? client.nonce
      return response
    },
    async send(request) {
      const before = client.nonce
      const response = await client.once(request)
      const refused = response.status === 400 || response.status === 401
      if (!refused || client.nonce === before) return response
      await response.body?.cancel()
      return client.once(request)
    },
    async token(agentId, agentKey, details) {
      const form = new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: agentId,
        client_secret: agentKey,
      })
      if (details !== undefined)
        form.set('authorization_details', JSON.stringify([{ type: 'valetkey', ...details }]))
      const response = await client.send({ method: 'POST', path: '/oauth/token', body: form })
      const answer = (await response.json()) as Record<string, unknown>
      if (response.status !== 200)
        throw new Error(
          `/oauth/token answered ${String(response.status)}: ${JSON.stringify(answer)}`,
        )
      return String(answer['access_token'])
    },
  }
  return client
}
