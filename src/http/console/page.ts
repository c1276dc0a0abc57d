/**
 * The frame of every page, and the headers it is sent with. Against a page of another site that would frame ours, read
 * from it or post to it, and against any text that got past the escaping: nothing inline runs, nothing is loaded from
 * elsewhere, and nobody is told where a link was followed from.
 */
import type { FastifyReply } from 'fastify'
import type { SignedIn } from '../operator-auth.ts'
import { markup, toHtml, when, type Markup } from './markup.ts'

export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

export type Page = {
  readonly title: string
  readonly body: Markup
  /** Who is signed in; absent on the page that asks. */
  readonly operator?: string | undefined
}

export function sendPage(reply: FastifyReply, status: number, page: Page): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'text/html; charset=utf-8')
    .serializer((text: string) => text)
    .send(toHtml(frame(page, reply.request.signedIn?.operator)))
}

/** Who is signed in and has an `identity` has no password that a form could ask for. */
function frame(
  { title, body, operator }: Page,
  signedIn: SignedIn['operator'] | undefined,
): Markup {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Valetkey</title>
<link rel="stylesheet" href="/console/style.css">
<script src="/console/webauthn.js" defer></script>
<script src="/console/script.js" defer></script>
</head>
<body${signedIn?.identity !== undefined ? markup` data-by-provider` : undefined}>
<header>
<span class="brand">Valetkey</span>
${when(
  operator !== undefined,
  () => markup`<nav><a href="/approvals">Approvals</a> <a href="/passkeys">Passkeys</a> <a href="/break-glass">Break-glass</a> <a href="/leases">Leases</a>${when(signedIn?.roles.includes('admin') === true, () => markup` <a href="/operators">Operators</a>`)}</nav>
<span class="who">${operator} <button type="button" class="plain" data-sign-out disabled>Sign out</button></span>`,
)}
</header>
<main>
${body}
<noscript><p class="notice">This page needs its script: a passkey cannot be asked without it.</p></noscript>
</main>
</body>
</html>
`
}
