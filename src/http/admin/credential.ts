/** Credentials over REST: what goes in never comes out. No answer and no error of these routes holds a secret. */
import Type from 'typebox'
import { readEnvironment } from '../../directory/environment.ts'
import { toEnvironment } from '../../directory/policy.ts'
import type { CredentialId, EnvironmentId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import type { ProviderAdapter, Reach } from '../../provider/adapter.ts'
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
import {
  answers,
  closed,
  id,
  idParams,
  Name,
  Password,
  ProviderName,
  State,
  Timestamp,
} from '../schemas.ts'
import { commit } from './change.ts'
import { listRoute } from './list-route.ts'
import { complaintAboutOrigin } from './origin.ts'
import { stateRoutes } from './state-routes.ts'

const ReachView = closed({
  kind: Type.Union(
    (['within', 'wider', 'rejected', 'unknown'] as const).map((kind) => Type.Literal(kind)),
    {
      description:
        'What the provider said this credential can reach, compared with its environment.',
    },
  ),
  detail: Type.Optional(Type.String()),
})
const Use = Type.Union([Type.Literal('requests'), Type.Literal('lookups')], {
  description:
    'requests: what agents ask goes out with it. lookups: only the broker’s own questions about where an id lives, for this provider in this environment, so that the one that acts can be the narrowest there is.',
})
const CredentialView = closed({
  id: id('credential'),
  name: Name,
  provider: ProviderName,
  environment: id('environment'),
  origin: Type.String(),
  style: Type.String({ description: 'How it goes out.' }),
  use: Use,
  version: Type.Integer(),
  reach: ReachView,
  state: State,
  created_at: Timestamp,
})
/** Header values: visible ASCII, so that a secret cannot bring a second header along. */
const Secret = Type.String({
  minLength: 8,
  maxLength: 8_192,
  pattern: '^[\\x21-\\x7e]+$',
  writeOnly: true,
})

function view(credential: Credential) {
  const { environmentId, createdAt, reach, ...rest } = credential
  return {
    ...rest,
    environment: environmentId,
    reach: reach as { kind: Reach['kind']; detail?: string },
    created_at: createdAt.toISOString(),
  }
}

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

  /** Asks the provider what the secret can reach, before it is stored. */
  async function probe(
    adapter: ProviderAdapter,
    secret: SecretText,
    target: { environmentId: EnvironmentId; origin: string; style: string },
    correlationId: string,
  ): Promise<Reach> {
    const environment = await readEnvironment(deps.db, target.environmentId)
    if (environment === undefined) {
      throw new Problem('invalid_request', {
        detail: 'there is no such environment',
        errors: [{ pointer: '/environment', detail: 'names nothing' }],
      })
    }
    const { places } = toEnvironment(environment, (provider, kind, boundId) =>
      deps.providers.get(provider)?.bindingPlace(kind, boundId),
    )
    return deps.prober.reach(adapter, secret, {
      origin: target.origin,
      style: target.style,
      bound: places.get(adapter.name) ?? new Set(),
      correlationId,
    })
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
      const style = choose(
        'style',
        body.style,
        adapter.injections.map((known) => known.name),
      )
      const origin = originFor(deps, adapter, body.origin)
      const { use = 'requests' } = body
      const secret = SecretText.of(body.secret)
      try {
        const reach = await probe(adapter, secret, { environmentId, origin, style }, request.id)
        const sealed = await sealCredential(deps.vault, secret, {
          provider: adapter.name,
          environmentId,
          version: 1,
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
            { name, provider: adapter.name, environmentId, origin, style, use, reach },
            sealed,
          )
          const change = {
            name,
            provider: adapter.name,
            environment: environmentId,
            origin,
            style,
            use,
            reach: reach.kind,
          }
          return { value: undefined, subject: sealed.id, change }
        })
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
        body: closed({ secret: Secret, password: Password }),
        response: answers(201, CredentialView),
      },
    },
    async (request, reply) => {
      await requirePassword(deps, request, request.body.password)
      const credential = await find(request.params.id)
      const adapter = adapterOf(credential.provider)
      const secret = SecretText.of(request.body.secret)
      try {
        const reach = await probe(adapter, secret, credential, request.id)
        const version = credential.version + 1
        const { id: credentialId, provider, environmentId } = credential
        const sealed = await sealCredential(deps.vault, secret, {
          id: credentialId,
          provider,
          environmentId,
          version,
        })
        await commit(deps, request, async (tx) => {
          if (!(await replaceCredential(tx, sealed, reach))) {
            throw new Problem('conflict', 'it was revoked, or somebody else has just replaced it')
          }
          return { value: undefined, subject: credentialId, change: { version, reach: reach.kind } }
        })
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

/** Where everybody runs their own, the admin says where this one is. */
function originFor(deps: Deps, adapter: ProviderAdapter, asked: string | undefined): string {
  const known = deps.originsOf(adapter)
  if (known.length > 0) return choose('origin', asked, known)
  const plain = asked !== undefined && URL.canParse(asked) && new URL(asked).origin === asked
  const detail =
    plain && asked.startsWith('https:')
      ? complaintAboutOrigin(deps, adapter.name, asked)
      : 'an https origin in its plain spelling, such as https://cluster.example.com:6443'
  if (plain && detail === undefined) return asked
  throw new Problem('invalid_request', {
    detail: `${adapter.name} has no origin of its own, and this cannot be one: ${String(detail)}`,
    errors: [{ pointer: '/origin', detail: String(detail) }],
  })
}

function choose(member: string, asked: string | undefined, known: readonly string[]): string {
  const [first] = known
  if (asked === undefined && first !== undefined) return first
  if (asked !== undefined && known.includes(asked)) return asked
  throw new Problem('invalid_request', {
    detail: `${member} must be one of ${known.join(', ')}`,
    errors: [{ pointer: `/${member}`, detail: `one of ${known.join(', ')}` }],
  })
}
