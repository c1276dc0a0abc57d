/** Health, readiness and unsealing: all that a sealed broker answers. None of it tells a stranger anything of worth. */
import Type from 'typebox'
import { Problem } from '../problem.ts'
import type { Deps } from './deps.ts'
import type { App } from './realm.ts'
import { answers, closed } from './schemas.ts'

const Health = closed({ status: Type.Literal('ok') })
const Readiness = closed({
  status: Type.Union([Type.Literal('ready'), Type.Literal('sealed'), Type.Literal('unavailable')]),
  sealed: Type.Boolean(),
  database: Type.Boolean(),
  kek_source: Type.Optional(Type.String()),
  warnings: Type.Array(Type.String()),
})

/** What it means that the key lies in a file: said on the terminal, in /readyz and in the README. */
export const keyFileWarning =
  'the key-encryption key is in a file: whoever runs as the broker’s user can read it beside the database, so no agent may run as that user'

export function healthRoutes(app: App, deps: Deps): void {
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'health',
        summary: 'Whether the process runs',
        response: answers(200, Health),
      },
    },
    () => ({ status: 'ok' as const }),
  )

  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'readiness',
        summary: 'Whether the broker can serve: unsealed, and heard by its database',
        response: { 200: Readiness, 503: Readiness, default: answers(200, Health).default },
      },
    },
    async (_request, reply) => {
      const database = await deps.feed.confirm()
      const { sealed, source } = deps.vault
      const status = sealed ? 'sealed' : database ? 'ready' : 'unavailable'
      void reply.code(status === 'ready' ? 200 : 503)
      return {
        status,
        sealed,
        database,
        ...(source === undefined ? {} : { kek_source: source }),
        warnings: source === 'file' ? [keyFileWarning] : [],
      } as const
    },
  )

  app.post(
    '/v1/unseal',
    {
      schema: {
        operationId: 'unseal',
        summary: 'Give the passphrase of the key-encryption key; one attempt at a time',
        body: closed({ passphrase: Type.String({ minLength: 1, maxLength: 1024 }) }),
        response: answers(200, closed({ sealed: Type.Boolean() })),
      },
    },
    async (request) => {
      const result = await deps.unsealer.unseal(request.body.passphrase, request.id)
      switch (result) {
        case 'opened':
        case 'already_open':
          return { sealed: false }
        case 'busy':
          throw new Problem('rate_limited', 'another attempt is being made; wait for it')
        case 'wrong':
          throw new Problem('forbidden', 'that is not the passphrase')
        case 'not_a_passphrase':
          throw new Problem('conflict', 'this broker’s key does not come from a passphrase')
      }
    },
  )
}
