/**
 * Signing in at the identity provider, in a browser: the way there, and the way back. Guarantees, against another site's
 * page, an answer that was meant for another browser or was used before, and addresses that lead elsewhere: an answer
 * counts only in the browser that the attempt began in, once; the redirect URI is one fixed address of ours; and where it
 * goes on to is one of our own pages, by name.
 */
import Type from 'typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { makeCode } from '../../directory/sign-in.ts'
import { signInRecord } from '../../directory/operator.ts'
import { Problem, problems, type ProblemCode } from '../../problem.ts'
import { createLimiter } from '../../proxy/limiter.ts'
import { atHome } from '../console/door.ts'
import { markup } from '../console/markup.ts'
import { sendPage } from '../console/page.ts'
import type { Deps } from '../deps.ts'
import { toProblem } from '../error.ts'
import { bearerSeconds, cookieSeconds, setSignInCookie, signInToken } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { closed } from '../schemas.ts'
import { createSignInRefusals } from '../sign-in-refusal.ts'
import { arrive, type ArrivalRefusal } from './arrival.ts'
import {
  attemptCookie,
  attemptIn,
  attemptSeconds,
  forgetAttempt,
  keepAttempt,
  newAttempt,
  pageNamed,
  type KeptAttempt,
} from './attempt.ts'
import { callbackPath, type IdentityDoor } from './door.ts'
import { identityText } from './entry.ts'
import { longestUnasked } from './standing.ts'

/** Answers of the provider that are followed up in a minute: each costs it, and us, a request. */
const answersPerMinute = 600

export function identityPages(app: App, deps: Deps): void {
  const { identity } = deps
  if (identity === undefined) return
  const refusals = createSignInRefusals(deps)
  const limiter = createLimiter()
  app.addHook('onRequest', atHome(deps))
  app.addHook('onClose', () => refusals.close())
  app.setErrorHandler((error, request, reply) => {
    const { code, details } = toProblem(error, request)
    return sendRefusal(reply, code, details.detail)
  })

  async function leave(reply: FastifyReply, attempt: KeptAttempt): Promise<FastifyReply> {
    const url = await identity?.provider.begin(attempt)
    if (url === undefined) throw new Problem('unavailable', 'the identity provider does not answer')
    await keepAttempt(deps, reply, attempt)
    return reply.redirect(url.href, 303)
  }

  app.get(
    '/sign-in/identity-provider',
    {
      config: { action: 'operator.begin_sign_in' },
      schema: {
        hide: true,
        querystring: closed({
          next: Type.Optional(Type.String({ maxLength: 200 })),
          fresh: Type.Optional(Type.Literal('yes')),
        }),
      },
    },
    (request, reply) => {
      const { next, fresh } = request.query
      const attempt = { fresh: fresh === 'yes', next: pageNamed(next), cli: undefined }
      return leave(reply, newAttempt(attempt))
    },
  )

  app.get(
    '/sign-in/command-line',
    {
      config: { action: 'operator.begin_sign_in' },
      schema: {
        hide: true,
        querystring: closed({
          challenge: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
          purpose: Type.Union([Type.Literal('sign_in'), Type.Literal('act')]),
        }),
      },
    },
    (request, reply) => {
      const { challenge, purpose } = request.query
      // Always anew: a program that opens this address in somebody's browser gets nothing without them.
      const attempt = { fresh: true, next: '/approvals', cli: { challenge, purpose } }
      return leave(reply, newAttempt(attempt))
    },
  )

  app.get(
    callbackPath,
    { config: { action: 'operator.sign_in' }, schema: { hide: true } },
    async (request, reply) => {
      const attempt = await attemptIn(deps, request.cookies[attemptCookie])
      const state = new URL(request.originalUrl, deps.publicUrl).searchParams.getAll('state')
      if (attempt === undefined || state.length !== 1 || state[0] !== attempt.state) {
        refusals.count('no_attempt')
        throw new Problem(
          'forbidden',
          'this answers no sign-in that was begun in this browser within the last ten minutes. Begin anew',
        )
      }
      if (!limiter.take('answers', answersPerMinute, deps.now()))
        throw new Problem('rate_limited', 'too many people sign in at once; try again')
      forgetAttempt(reply)
      const { issuer } = identity.provider
      const until = deps.now() + (attemptSeconds + 60) * 1000
      if (!(await deps.replay.use('operator_sign_in', issuer, attempt.state, until))) {
        await refusals.record(request, 'replayed')
        throw new Problem('forbidden', 'this answer was used before. Begin anew')
      }
      return arriveWith(request, reply, attempt, identity)
    },
  )

  async function arriveWith(
    request: FastifyRequest,
    reply: FastifyReply,
    attempt: KeptAttempt,
    { provider }: IdentityDoor,
  ): Promise<FastifyReply> {
    const { fresh, cli, next } = attempt
    const { search } = new URL(request.originalUrl, deps.publicUrl)
    const met = await provider.finish(new URL(`${deps.publicUrl}${callbackPath}${search}`), attempt)
    if (!met.ok) {
      await refusals.record(request, `identity_provider: ${met.detail}`)
      throw new Problem('forbidden', `the sign-in at the identity provider failed (${met.detail})`)
    }
    const { person, refreshToken } = met
    const via = cli === undefined ? 'cookie' : 'bearer'
    const seconds =
      cli !== undefined || refreshToken === undefined
        ? Math.min(bearerSeconds, longestUnasked / 1000)
        : cookieSeconds
    const now = deps.now()
    // What was asked for was checked; what was not may still be so.
    const provedAt = fresh ? now : Math.min(person.authenticatedAt ?? 0, now)
    const arrival = await arrive(deps, request.id, {
      person,
      // A code is used within minutes: there is nothing to ask again.
      refreshToken: cli?.purpose === 'act' ? undefined : refreshToken,
      provedAt: provedAt === 0 ? undefined : provedAt,
      seconds,
    })
    if (!arrival.ok) {
      await refusals.record(request, arrival.why, { subject: identityText(person) })
      throw new Problem('forbidden', refusalText[arrival.why])
    }
    const operator = await signInRecord(deps.db, { id: arrival.operatorId })
    if (operator === undefined) throw new Problem('forbidden', refusalText.disabled)
    const { signInId } = arrival
    if (cli !== undefined) return sendCode(reply, cli, operator.name, signInId)
    setSignInCookie(reply, await signInToken(reply, operator, via, { signInId, seconds }), seconds)
    // A redirect from here would still be the provider's, to the browser, and the cookie would stay at home. A page of
    // ours that goes on by itself is ours.
    return sendPage(reply, 200, {
      title: 'Signed in',
      body: markup`<h1>Signed in</h1>
<p data-onward="${next}">You are signed in as ${operator.name}. <a href="${next}">Go on</a></p>`,
    })
  }

  async function sendCode(
    reply: FastifyReply,
    cli: NonNullable<KeptAttempt['cli']>,
    name: string,
    signInId: Parameters<typeof makeCode>[1]['signInId'],
  ): Promise<FastifyReply> {
    const challenge = Buffer.from(cli.challenge, 'base64url')
    const { purpose } = cli
    const code = await deps.db
      .transaction()
      .execute((tx) => makeCode(tx, { challenge, purpose, signInId, now: deps.now() }))
    if (code === undefined)
      throw new Problem('conflict', 'a code was made for this already: run the command again')
    return sendPage(reply, 200, {
      title: 'A code for the command line',
      body: markup`<h1>A code for the command line</h1>
<p class="code" data-sign-in-code>${code}</p>
<p>${
        purpose === 'sign_in'
          ? markup`Whoever has it is signed in as <strong>${name}</strong>, for fifteen minutes.`
          : markup`It lets one command act as <strong>${name}</strong>, as your password would.`
      } Type it where you ran <code>valetkey</code> yourself, within two minutes.</p>
<p class="notice">Did you not run it? Then somebody else did: close this page, and tell nobody the code.</p>`,
    })
  }
}

const refusalText: Readonly<Record<ArrivalRefusal, string>> = {
  no_role: 'none of your groups at the identity provider gives you a role here. Ask who keeps them',
  disabled: 'you may not sign in here. Ask an admin of this broker',
  elsewhere: 'you are signing in elsewhere at this moment. Begin anew',
}

/** Whoever is still signed in at the provider would come back as the same person: it is asked to ask who they are. */
function sendRefusal(reply: FastifyReply, code: ProblemCode, detail: string): FastifyReply {
  return sendPage(reply, problems[code].status, {
    title: 'Not signed in',
    body: markup`<h1>Not signed in</h1>
<p>${detail.charAt(0).toUpperCase() + detail.slice(1)}.</p>
<p><a class="button" href="/sign-in">Sign in</a></p>
<p><a href="/sign-in/identity-provider?fresh=yes">Sign in as somebody else</a></p>`,
  })
}
