/** Which broker is meant. A password must not cross a network in the clear, nor hide in a URL that the shell remembers. */
import { isLoopback } from '../core/loopback.ts'
import { usage } from './failure.ts'

export const defaultUrl = 'http://localhost:8474'

/** The origin, without a trailing slash. */
export function brokerUrl(given: string | undefined, variable: string | undefined): string {
  const text = given ?? (variable === undefined || variable === '' ? defaultUrl : variable)
  const from = given === undefined ? 'VALETKEY_URL' : '--url'
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw usage(`${from} is not a URL; it must look like ${defaultUrl}`)
  }
  if (url.username !== '' || url.password !== '')
    throw usage(`${from} must not hold a name or a password.`)
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw usage(`${from} must begin with https:// or http://`)
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw usage(`${from} must be an origin, without a path, like ${url.origin}`)
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw usage(
      `${from} would send passwords to ${url.host} in the clear.`,
      'Use https://, or reach the broker through a tunnel that ends on localhost.',
    )
  }
  return url.origin
}
