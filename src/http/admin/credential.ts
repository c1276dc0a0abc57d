/** Credentials over REST: what goes in never comes out. No answer and no error of these routes holds a secret. */
import Type from 'typebox'
import type { CredentialMint } from '../../core/mint.ts'
import type { CredentialId, EnvironmentId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import type { ProviderAdapter } from '../../provider/adapter.ts'
import { SecretText } from '../../vault/secret-text.ts'
import {
  createCredential,
  listCredentials,
  readCredential,
  readLookupCredential,
  replaceCredential,
  sealCredential,
  setCredentialState,
  type Credential,
} from '../../vault/store.ts'
import type { Deps } from '../deps.ts'
import { requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, id, idParams, Name, Password, ProviderName } from '../schemas.ts'
import { commit } from './change.ts'
import {
  checkMint,
  checkSecret,
  choose,
  Mint,
  mintFor,
  originFor,
  Secret,
  Use,
} from './credential-body.ts'
import { createAskReach, notAskedYet } from './credential-reach.ts'
import { credentialView as view, CredentialView } from './credential-view.ts'
import { listRoute } from './list-route.ts'
import { stateRoutes } from './state-routes.ts'

export function credentialRoutes(app: App, deps: Deps): void {
  async function find(credentialId: string): Promise<Credential> {
    const credential = await readCredential(deps.db, credentialId as CredentialId)
    if (credential === undefined)
      throw new Problem('not_found', 'there is no credential of this id')
    return credential
  }

  function adapterOf(provider: string): ProviderAdapter {
    const adapter = deps.providers.get(provider)
    if (adapter === undefined) {
      const known = [...deps.providers.keys()].join(', ')
      throw new Problem('invalid_request', {
        detail: `there is no provider "${provider}"; there are ${known}`,
        errors: [{ pointer: '/provider', detail: `one of ${known}` }],
      })
    }
    return adapter
  }

  const reach = createAskReach(deps)

  function check(
    adapter: ProviderAdapter,
    {
      mint,
      ...given
    }: Omit<Parameters<typeof checkMint>[2], 'mint'> & {
      readonly mint: CredentialMint | undefined
    },
  ): void {
    if (mint === undefined) checkSecret(given.secret, undefined)
    else checkMint(deps, adapter, { mint, ...given })
  }

  app.post(
    '/v1/credentials',
    {
      config: { action: 'credential.create', roles: ['admin'] },
      schema: {
        operationId: 'createCredential',
        summary:
          'Seal a provider’s token in the vault; it can be used through grants and never be read again',
        body: closed({
          name: Name,
          provider: ProviderName,
          environment: id('environment'),
          secret: Secret,
          style: Type.Optional(
            Type.String({
              maxLength: 40,
              description: 'How it goes out; the provider’s first by default.',
            }),
          ),
          origin: Type.Optional(
            Type.String({
              maxLength: 200,
              description:
                'One of the provider’s origins; its first by default. Where the provider has none of its own, as with Kubernetes, the https origin that this credential is for.',
            }),
          ),
          use: Type.Optional(Use),
          mint: Type.Optional(Mint),
          password: Password,
        }),
        response: answers(201, CredentialView),
      },
    },
    async (request, reply) => {
      const body = request.body
      await requirePassword(deps, request, body.password)
      const adapter = adapterOf(body.provider)
      const environmentId = body.environment as EnvironmentId
      const { use = 'requests', mint } = body
      const style = choose(
        'style',
        body.style ?? (mint === undefined ? undefined : mintFor(adapter, mint).style),
        adapter.injections.map((known) => known.name),
      )
      const origin = originFor(deps, adapter, body.origin)
      check(adapter, { mint, secret: body.secret, origin, style, use })
      const secret = SecretText.of(body.secret)
      try {
        const target = { environmentId, origin, style }
        const reached =
          mint === undefined ? await reach.before(adapter, secret, target, request.id) : notAskedYet
        const sealed = await sealCredential(deps.vault, secret, {
          provider: adapter.name,
          version: 1,
          ...target,
          mint,
        })
        await commit(deps, request, async (tx) => {
          const { name } = body
          if (
            use === 'lookups' &&
            (await readLookupCredential(tx, environmentId, adapter.name)) !== undefined
          ) {
            throw new Problem(
              'conflict',
              'this environment has a credential for look-ups at this provider: replace or revoke it',
            )
          }
          await createCredential(
            tx,
            { name, provider: adapter.name, environmentId, origin, style, use, reach: reached },
            sealed,
          )
          const change = {
            name,
            provider: adapter.name,
            environment: environmentId,
            origin,
            style,
            use,
            reach: reached.kind,
            mint,
          }
          return { value: undefined, subject: sealed.id, change }
        })
        if (mint !== undefined) await reach.after(adapter, await find(sealed.id), request.id)
        void reply.code(201)
        return view(await find(sealed.id))
      } finally {
        secret.dispose()
      }
    },
  )

  app.post(
    '/v1/credentials/:id/versions',
    {
      config: { action: 'credential.replace', roles: ['admin'] },
      schema: {
        operationId: 'replaceCredential',
        summary: 'Replace the secret; requests that follow use the new one, without a gap',
        params: idParams('credential'),
        body: closed({ secret: Secret, mint: Type.Optional(Mint), password: Password }),
        response: answers(201, CredentialView),
      },
    },
    async (request, reply) => {
      await requirePassword(deps, request, request.body.password)
      const credential = await find(request.params.id)
      const adapter = adapterOf(credential.provider)
      const { id: credentialId, provider, environmentId, origin, style, use } = credential
      const mint = request.body.mint ?? credential.mint
      check(adapter, { mint, secret: request.body.secret, origin, style, use })
      const secret = SecretText.of(request.body.secret)
      try {
        const reached =
          mint === undefined
            ? await reach.before(adapter, secret, credential, request.id)
            : notAskedYet
        const version = credential.version + 1
        const sealed = await sealCredential(deps.vault, secret, {
          id: credentialId,
          provider,
          environmentId,
          version,
          origin,
          style,
          mint,
        })
        await commit(deps, request, async (tx) => {
          if (!(await replaceCredential(tx, sealed, reached))) {
            throw new Problem('conflict', 'it was revoked, or somebody else has just replaced it')
          }
          const change = { version, reach: reached.kind, mint }
          return { value: undefined, subject: credentialId, change }
        })
        if (mint !== undefined) await reach.after(adapter, await find(credentialId), request.id)
        void reply.code(201)
        return view(await find(credentialId))
      } finally {
        secret.dispose()
      }
    },
  )

  listRoute(app, deps, {
    noun: 'credentials',
    action: 'credential.list',
    roles: ['admin', 'auditor'],
    operationId: 'listCredentials',
    summary: 'List credentials, without their secrets',
    schema: CredentialView,
    rows: (asked) => listCredentials(deps.db, asked),
    view,
  })

  app.get(
    '/v1/credentials/:id',
    {
      config: { action: 'credential.read', roles: ['admin', 'auditor'] },
      schema: {
        operationId: 'readCredential',
        summary: 'Read a credential, without its secret',
        params: idParams('credential'),
        response: answers(200, CredentialView),
      },
    },
    async (request) => view(await find(request.params.id)),
  )

  stateRoutes(app, deps, {
    kind: 'credential',
    path: '/v1/credentials',
    set: (tx, subject, state) => setCredentialState(tx, subject as CredentialId, state),
  })
}
