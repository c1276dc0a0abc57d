/** Pages as a browser gets them: by the broker's own name, with the cookie of whoever signed in. */
import { request } from 'undici'
import { adminPassword, type TestBroker } from './broker.ts'
import { testPublicUrl } from './browser.ts'

export type ConsoleAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export async function signInCookie(
  broker: Pick<TestBroker, 'url'>,
  name: string,
  password: string = adminPassword,
): Promise<string> {
  const response = await fetch(`${broker.url}/v1/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: testPublicUrl },
    body: JSON.stringify({ name, password, cookie: true }),
  })
  return (response.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
}

export async function getPage(
  broker: Pick<TestBroker, 'url'>,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method: 'GET' | 'HEAD' | 'POST' = 'GET',
): Promise<ConsoleAnswer> {
  const {
    statusCode,
    headers: given,
    body,
  } = await request(`${broker.url}${path}`, {
    method,
    headers: { host: new URL(testPublicUrl).host, ...headers },
  })
  return { status: statusCode, headers: given, text: await body.text() }
}
