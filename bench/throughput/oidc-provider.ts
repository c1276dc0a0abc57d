/** What issuance is compared with: oidc-provider's client-credentials endpoint, in memory, JWT access tokens. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import Provider from 'oidc-provider'

const { privateKey } = await generateKeyPair('EdDSA', { extractable: true })
const jwk = { ...(await exportJWK(privateKey)), alg: 'EdDSA', use: 'sig' }
const provider = new Provider('http://localhost', {
  clients: [
    {
      client_id: 'bench',
      client_secret: 'a-secret-of-the-bench-that-is-long-enough',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_post',
      id_token_signed_response_alg: 'EdDSA',
    },
  ],
  jwks: { keys: [jwk] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:bench',
      getResourceServerInfo: () => ({
        scope: '',
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg: 'EdDSA' } },
      }),
      useGrantedResource: () => true,
    },
  },
})
const server = createServer((request, response) => {
  provider.callback()(request, response)
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.send?.({ url: `http://127.0.0.1:${String(port)}` })
})
process.on('disconnect', () => process.exit(0))
