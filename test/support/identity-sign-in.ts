/** A browser without a screen: it follows redirects between the broker and its identity provider, and keeps the cookies of each. */
import { request } from 'undici'
import { testPublicUrl } from './browser.ts'
import type { TestBroker } from './broker.ts'

export type Landed = {
  readonly status: number
  readonly text: string
  readonly url: string
}

export type Agent = {
  /** By origin, by name. */
  readonly cookies: Map<string, Map<string, string>>
  /** Every address that it was at, the broker's as PUBLIC_URL names it. */
  readonly visited: string[]
  /** Follows until something is no redirect, or `until` says so of an address, before it is asked for. */
  go(url: string, until?: (url: string) => boolean): Promise<Landed>
  /** As a page of the broker does it. */
  send(
    method: string,
    path: string,
    body?: unknown,
    url?: string,
  ): Promise<{ readonly status: number; readonly body: Record<string, unknown> }>
  /** Signs in, as the person at the keyboard. */
  signIn(query?: string): Promise<Landed>
}

export function openAgent(broker: Pick<TestBroker, 'url'>): Agent {
  const cookies = new Map<string, Map<string, string>>()
  const visited: string[] = []

  async function ask(
    url: string,
    init: { method?: string; headers?: Record<string, string>; body?: string } = {},
    at = broker.url,
  ) {
    const { origin, host, pathname, search } = new URL(url)
    const jar = cookies.get(origin) ?? new Map<string, string>()
    cookies.set(origin, jar)
    const to = origin === testPublicUrl ? at : origin
    const { statusCode, headers, body } = await request(`${to}${pathname}${search}`, {
      method: (init.method ?? 'GET') as 'GET',
      headers: {
        host,
        ...(jar.size === 0
          ? {}
          : { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') }),
        ...init.headers,
      },
      ...(init.body === undefined ? {} : { body: init.body }),
    })
    for (const line of [headers['set-cookie'] ?? []].flat()) {
      const [pair = '', ...attributes] = line.split('; ')
      const at = pair.indexOf('=')
      const gone = attributes.some((each) => /^max-age=0$|^expires=thu, 01 jan 1970/i.test(each))
      if (gone) jar.delete(pair.slice(0, at))
      else jar.set(pair.slice(0, at), pair.slice(at + 1))
    }
    return { status: statusCode, headers, text: await body.text() }
  }

  async function go(url: string, until: (url: string) => boolean = () => false): Promise<Landed> {
    let here = url.startsWith('/') ? `${testPublicUrl}${url}` : url
    for (let i = 0; i < 12; i++) {
      if (until(here)) return { status: 0, text: '', url: here }
      visited.push(here)
      const { status, headers, text } = await ask(here)
      const { location } = headers
      if (status < 300 || status > 399 || typeof location !== 'string')
        return { status, text, url: here }
      here = new URL(location, here).href
    }
    throw new Error(`redirected without an end: ${here}`)
  }

  return {
    cookies,
    visited,
    go,
    signIn: (query = '') => go(`/sign-in/identity-provider${query}`),
    async send(method, path, body, url) {
      const { status, text } = await ask(
        `${testPublicUrl}${path}`,
        {
          method,
          headers: {
            origin: testPublicUrl,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        },
        url,
      )
      return { status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
    },
  }
}
