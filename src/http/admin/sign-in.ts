/** Signing in and out, the first password, and changing it. */
import Type from 'typebox'
import { startPermit } from '../../approval/passkey-permit.ts'
import { appendWithin } from '../../audit/log.ts'
import {
  operatorBySetupSecret,
  setFirstPassword,
  setPassword,
  signInRecord,
} from '../../directory/operator.ts'
import { endSignIn } from '../../directory/sign-in.ts'
import { Problem } from '../../problem.ts'
import type { Deps } from '../deps.ts'
import { createSignInRefusals } from '../sign-in-refusal.ts'
import { shortestPassword } from '../password.ts'
import {
  adminEntry,
  bearerSeconds,
  checkOrigin,
  cookieName,
  cookieSeconds,
  operatorOf,
  passwordGood,
  requirePassword,
  setSignInCookie,
  signInToken,
} from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Empty, id, Name, OwnPassword, Password, Role } from '../schemas.ts'

const NewPassword = Type.String({
  minLength: shortestPassword,
  maxLength: 1024,
  description: `At least ${String(shortestPassword)} characters.`,
})
const SignedIn = closed({
  token: Type.Optional(
    Type.String({ description: 'A bearer; absent where a cookie was asked for.' }),
  ),
  expires_in: Type.Integer({ description: 'Seconds.' }),
})
const Me = closed({ id: id('operator'), name: Name, roles: Type.Array(Role) })

/** Routes that need no sign-in. */
export function signInRoutes(app: App, deps: Deps): void {
  const refusals = createSignInRefusals(deps)
  app.addHook('onClose', () => refusals.close())

  app.post(
    '/v1/setup',
    {
      config: { action: 'operator.setup' },
      schema: {
        operationId: 'setUp',
        summary: 'Set a first or a new password with a one-time setup secret',
        body: closed({
          name: Name,
          setup_secret: Type.String({ maxLength: 100 }),
          password: NewPassword,
        }),
        response: answers(200, Me),
      },
    },
    async (request) => {
      const { name, setup_secret: secret, password } = request.body
      if (!passwordGood(deps, await signInRecord(deps.db, { name }))) throw passwordsOff()
      const operatorId = await operatorBySetupSecret(deps.db, name, secret, deps.now())
      if (operatorId === undefined) {
        await refusals.record(request, 'setup_secret', { name })
        throw new Problem(
          'sign_in_required',
          'the setup secret is not valid for this name, was used, or has expired',
        )
      }
      const passwordHash = await deps.passwords.hash(password)
      const done = await deps.db.transaction().execute(async (tx) => {
        if (!(await setFirstPassword(tx, operatorId, secret, passwordHash))) return false
        await startPermit(tx, operatorId, deps.now())
        await appendWithin(tx, {
          kind: 'admin',
          result: 'done',
          at: deps.now(),
          correlationId: request.id,
          actor: { kind: 'operator', id: operatorId, name },
          action: 'operator.setup',
          subject: operatorId,
        })
        return true
      })
      if (!done) throw new Problem('sign_in_required', 'the setup secret was used a moment ago')
      const operator = await signInRecord(deps.db, { id: operatorId })
      return { id: operatorId, name, roles: [...(operator?.roles ?? [])] }
    },
  )

  app.post(
    '/v1/sign-in',
    {
      config: { action: 'operator.sign_in' },
      schema: {
        operationId: 'signIn',
        summary: 'Sign in with a name and a password',
        body: closed({
          name: Name,
          password: OwnPassword,
          cookie: Type.Optional(
            Type.Boolean({ description: 'Set a cookie, for a browser, instead of a bearer.' }),
          ),
        }),
        response: answers(200, SignedIn),
      },
    },
    async (request, reply) => {
      const { name, password, cookie } = request.body
      if (cookie === true) checkOrigin(deps, request)
      const operator = await signInRecord(deps.db, { name })
      // Before anything is computed: where passwords are off, nobody makes the broker hash any.
      if (!passwordGood(deps, operator)) {
        await refusals.record(request, 'passwords_off', { name })
        throw passwordsOff()
      }
      const good = await deps.passwords.verify(name, operator?.passwordHash, password)
      if (!good || operator?.state !== 'active') {
        await refusals.record(request, 'password', { name })
        throw new Problem('sign_in_required', 'the name or the password is wrong')
      }
      await deps.audit.append({
        kind: 'sign_in',
        result: 'done',
        at: deps.now(),
        correlationId: request.id,
        actor: { kind: 'operator', id: operator.id, name: operator.name },
      })
      const token = await signInToken(reply, operator, cookie === true ? 'cookie' : 'bearer')
      if (cookie !== true) return { token, expires_in: bearerSeconds }
      setSignInCookie(reply, token, cookieSeconds)
      return { expires_in: cookieSeconds }
    },
  )
}

function passwordsOff(): Problem {
  return new Problem(
    'passwords_off',
    'passwords are switched off here: sign in at the identity provider, with "valetkey login" or in the console',
  )
}

/** Routes of whoever is signed in. */
export function selfRoutes(app: App, deps: Deps): void {
  app.get(
    '/v1/me',
    {
      config: { action: 'operator.read_self' },
      schema: { operationId: 'readSelf', summary: 'Who is signed in', response: answers(200, Me) },
    },
    (request) => {
      const operator = operatorOf(request)
      return { id: operator.id, name: operator.name, roles: [...operator.roles] }
    },
  )

  app.post(
    '/v1/sign-out',
    {
      config: { action: 'operator.sign_out' },
      schema: {
        operationId: 'signOut',
        summary: 'Forget the cookie',
        body: Empty,
        response: answers(200, Empty),
      },
    },
    async (request, reply) => {
      await deps.audit.append(adminEntry(deps, request, { result: 'done' }))
      const { signIn } = request.signedIn ?? {}
      if (signIn !== undefined) await endSignIn(deps.db, signIn.id)
      void reply.clearCookie(cookieName, {
        path: '/',
        secure: true,
        httpOnly: true,
        sameSite: 'strict',
      })
      return {}
    },
  )

  app.post(
    '/v1/me/password',
    {
      config: { action: 'operator.change_password' },
      schema: {
        operationId: 'changePassword',
        summary: 'Change one’s password; ends every sign-in of this operator',
        body: closed({ password: Password, new_password: NewPassword }),
        response: answers(200, Empty),
      },
    },
    async (request) => {
      if (operatorOf(request).identity !== undefined) throw passwordsOff()
      await requirePassword(deps, request, request.body.password)
      const operator = operatorOf(request)
      if (!passwordGood(deps, operator)) throw passwordsOff()
      const passwordHash = await deps.passwords.hash(request.body.new_password)
      await deps.db.transaction().execute(async (tx) => {
        await setPassword(tx, operator.id, passwordHash)
        await appendWithin(tx, adminEntry(deps, request, { result: 'done', subject: operator.id }))
      })
      return {}
    },
  )
}
