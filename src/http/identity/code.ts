/**
 * How operators sign in here, and the code that gives a command line its bearer. Against whoever sees the code, on a screen
 * or in a chat: it works once, for two minutes, and only with the secret that never left the command line that asked for it.
 */
import Type from 'typebox'
import { signInRecord } from '../../directory/operator.ts'
import { readSignInById, takeCode } from '../../directory/sign-in.ts'
import { Problem } from '../../problem.ts'
import type { Deps } from '../deps.ts'
import { signInToken } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Name } from '../schemas.ts'
import { createSignInRefusals } from '../sign-in-refusal.ts'

export function signInCodeRoutes(app: App, deps: Deps): void {
  const refusals = createSignInRefusals(deps)
  app.addHook('onClose', () => refusals.close())

  app.get(
    '/v1/sign-in/ways',
    {
      config: { action: 'operator.sign_in_ways' },
      schema: {
        operationId: 'readSignInWays',
        summary: 'How operators sign in here',
        response: answers(
          200,
          closed({
            passwords: Type.Boolean({ description: 'Whether with a name and a password.' }),
            identity_provider: Type.Optional(
              closed({
                label: Type.String(),
                command_line: Type.String({
                  description:
                    'Where a person shows who they are for a command line: with `challenge`, the base64url of the SHA-256 of a secret that it keeps, and `purpose`.',
                }),
              }),
            ),
          }),
        ),
      },
    },
    () => ({
      passwords: deps.localPasswords,
      ...(deps.identity === undefined
        ? {}
        : {
            identity_provider: {
              label: deps.identity.label,
              command_line: `${deps.publicUrl}/sign-in/command-line`,
            },
          }),
    }),
  )

  app.post(
    '/v1/sign-in/code',
    {
      config: { action: 'operator.sign_in' },
      schema: {
        operationId: 'signInWithCode',
        summary: 'Sign a command line in with the code that its person was shown',
        body: closed({
          code: Type.String({ minLength: 1, maxLength: 40 }),
          verifier: Type.String({
            pattern: '^[A-Za-z0-9_-]{43}$',
            description: 'The secret whose SHA-256 was the challenge.',
          }),
        }),
        response: answers(
          200,
          closed({
            token: Type.String({ description: 'A bearer.' }),
            expires_in: Type.Integer({ description: 'Seconds.' }),
            name: Name,
          }),
        ),
      },
    },
    async (request, reply) => {
      const { code, verifier } = request.body
      const now = deps.now()
      const id = await takeCode(deps.db, { verifier, code, purpose: 'sign_in', now })
      const signIn = id === undefined ? undefined : await readSignInById(deps.db, id)
      const operator =
        signIn === undefined ? undefined : await signInRecord(deps.db, { id: signIn.operatorId })
      if (signIn === undefined || signIn.endsAt <= now || operator?.state !== 'active') {
        await refusals.record(request, 'sign_in_code')
        throw new Problem('sign_in_required', 'the code is wrong, was used, or is too old')
      }
      const seconds = Math.floor((signIn.endsAt - now) / 1000)
      const provider = { signInId: signIn.id, seconds }
      const token = await signInToken(reply, operator, 'bearer', provider)
      return { token, expires_in: seconds, name: operator.name }
    },
  )
}
