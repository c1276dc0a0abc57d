/** A credential as operators see it: never its secret. */
import Type from 'typebox'
import type { Reach } from '../../provider/adapter.ts'
import type { Credential } from '../../vault/store.ts'
import { closed, id, Name, ProviderName, State, Timestamp } from '../schemas.ts'
import { Use } from './credential-body.ts'

const ReachView = closed({
  kind: Type.Union(
    (['within', 'wider', 'rejected', 'unknown'] as const).map((kind) => Type.Literal(kind)),
    {
      description:
        'What the provider said this credential can reach, compared with its environment. Of one that mints: what it mints.',
    },
  ),
  detail: Type.Optional(Type.String()),
})

export const CredentialView = closed({
  id: id('credential'),
  name: Name,
  provider: ProviderName,
  environment: id('environment'),
  origin: Type.String(),
  style: Type.String({ description: 'How it goes out.' }),
  use: Use,
  mint: Type.Optional(
    Type.Object(
      { kind: Type.String() },
      {
        additionalProperties: true,
        description:
          'Where its secret mints what goes out: the kind, and its parameters. Nothing in it is secret.',
      },
    ),
  ),
  version: Type.Integer(),
  reach: ReachView,
  state: State,
  created_at: Timestamp,
})

export function credentialView(credential: Credential) {
  const { environmentId, createdAt, reach, ...rest } = credential
  return {
    ...rest,
    environment: environmentId,
    reach: reach as { kind: Reach['kind']; detail?: string },
    created_at: createdAt.toISOString(),
  }
}
