/**
 * What is served to whoever has not signed in: the form, the style and the scripts. The form stands at the address of
 * the page that was asked for, so that no address is taken from a request to go on to.
 */
import { readFile } from 'node:fs/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isId } from '../../ids.ts'
import type { Deps } from '../deps.ts'
import { pageNamed } from '../identity/attempt.ts'
import type { App } from '../realm.ts'
import { markup } from './markup.ts'
import { securityHeaders, sendPage } from './page.ts'

/** Read when they are first asked for. The bundle is the package's own, as it was installed. */
const files = {
  '/console/style.css': {
    type: 'text/css; charset=utf-8',
    url: () => new URL('./assets/style.css', import.meta.url),
  },
  '/console/script.js': {
    type: 'text/javascript; charset=utf-8',
    url: () => new URL('./assets/script.js', import.meta.url),
  },
  '/console/webauthn.js': {
    type: 'text/javascript; charset=utf-8',
    url: () =>
      new URL('../dist/bundle/index.umd.min.js', import.meta.resolve('@simplewebauthn/browser')),
  },
} as const

/**
 * A page is at home at PUBLIC_URL alone: a cookie set under another spelling of this machine would not be known there,
 * and no passkey either.
 */
export function atHome(deps: Pick<Deps, 'publicUrl'>) {
  const { host } = new URL(deps.publicUrl)
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    void reply.headers(securityHeaders)
    if (request.headers.host === host) return done()
    const { id } = request.params as { readonly id?: string }
    // A path of ours and an id of the right shape: nothing else that was asked for is sent on.
    const known = isId('approval', id) || isId('accessRequest', id) ? id : ''
    const path = (request.routeOptions.url ?? '').replace(':id', known)
    void reply.redirect(deps.publicUrl + path, 307)
  }
}

export function sendSignIn(
  deps: Pick<Deps, 'identity' | 'localPasswords'>,
  reply: FastifyReply,
  status: 200 | 401,
): FastifyReply {
  const { identity, localPasswords } = deps
  // The page that was asked for, as it is known here: nothing of the address is taken along.
  const { params, routeOptions } = reply.request
  const { id = '' } = params as { readonly id?: string }
  const next = pageNamed((routeOptions.url ?? '').replace(':id', id))
  const form = markup`<form method="post" action="/sign-in" data-sign-in${status === 200 ? markup` data-next="/approvals"` : undefined}>
<label>Name <input name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="100"></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>
<button type="submit" disabled>Sign in</button>
<p class="said" role="alert" data-said></p>
</form>`
  // Whom the keeper has recovered has a password, whatever is switched off: the provider may be what is broken.
  const folded = markup`<details><summary>${localPasswords ? 'With a password' : 'Recovered by the keeper? With a password'}</summary>
${form}
</details>`
  return sendPage(reply, status, {
    title: 'Sign in',
    body: markup`<h1>Sign in</h1>
${
  identity === undefined
    ? form
    : markup`<p><a class="button" href="/sign-in/identity-provider?next=${encodeURIComponent(next)}">Sign in with ${identity.label}</a></p>
${folded}`
}
<p class="quiet">A sign-in lasts an hour. An approval asks for your passkey besides.</p>`,
  })
}

export function consoleDoorRoutes(app: App, deps: Deps): void {
  app.addHook('onRequest', atHome(deps))
  app.get(
    '/sign-in',
    { config: { action: 'console.sign_in' }, schema: { hide: true } },
    (_request, reply) => sendSignIn(deps, reply, 200),
  )
  // Where whoever follows the address that the start prints comes to.
  app.get('/', { config: { action: 'console.start' }, schema: { hide: true } }, (_request, reply) =>
    reply.redirect('/approvals', 303),
  )
  for (const [path, { type, url }] of Object.entries(files)) {
    let bytes: Promise<Buffer> | undefined
    app.get(
      path,
      { config: { action: 'console.asset' }, schema: { hide: true } },
      async (_request, reply) => {
        bytes ??= readFile(url())
        return reply.header('content-type', type).send(await bytes)
      },
    )
  }
}
