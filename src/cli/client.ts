/**
 * HTTP to the broker. A redirect is never followed: it would carry a password or a bearer to wherever it points. What
 * comes back is JSON or it is no broker's answer.
 */
import { refusalOf, strangeAnswer, unreachable } from './refusal.ts'

/** Milliseconds; sealing a credential asks its provider first. */
const longestWait = 60_000

export type Query = Readonly<Record<string, string | undefined>>

export type Client = {
  readonly url: string
  get(path: string, query?: Query): Promise<unknown>
  send(method: 'POST' | 'PUT' | 'PATCH', path: string, body: unknown): Promise<unknown>
  /** application/x-www-form-urlencoded, for the OAuth endpoints. */
  form(path: string, fields: Readonly<Record<string, string>>): Promise<unknown>
  /** An answer whatever its status: for health, where 503 is an answer too. */
  peek(path: string): Promise<{ readonly status: number; readonly body: unknown }>
}

type Init = {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export function createClient(options: {
  readonly url: string
  readonly bearer?: string | undefined
  readonly fetch: typeof fetch
}): Client {
  const { url, bearer } = options

  async function ask(path: string, init: Init): Promise<{ status: number; body: unknown }> {
    let response: Response
    let text: string
    try {
      response = await options.fetch(`${url}${path}`, {
        ...init,
        headers: {
          accept: 'application/json, application/problem+json',
          ...init.headers,
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        },
        redirect: 'manual',
        signal: AbortSignal.timeout(longestWait),
      })
      text = await response.text()
    } catch (error) {
      throw unreachable(error, url)
    }
    try {
      return { status: response.status, body: JSON.parse(text) as unknown }
    } catch {
      throw strangeAnswer(response.status, url)
    }
  }

  async function good(path: string, init: Init): Promise<unknown> {
    const { status, body } = await ask(path, init)
    if (status < 200 || status > 299) throw refusalOf(status, body, url)
    return body
  }

  return {
    url,
    get(path, query = {}) {
      const given = Object.entries(query).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      )
      const search = new URLSearchParams(given).toString()
      return good(search === '' ? path : `${path}?${search}`, { method: 'GET', headers: {} })
    },
    send(method, path, body) {
      return good(path, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    },
    form(path, fields) {
      return good(path, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(fields).toString(),
      })
    },
    peek(path) {
      return ask(path, { method: 'GET', headers: {} })
    },
  }
}
