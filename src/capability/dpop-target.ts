/**
 * URIs as a DPoP proof compares them (RFC 9449 §4.3, check 9): without query and fragment, in the normal form of RFC 3986
 * §6.2.2 and §6.2.3. By hand: `URL` repairs what it reads (tabs, backslashes, several slashes, `%2e%2e`), and a proof that
 * has to be repaired was made for who knows which request.
 */

const shape = /^(https?):\/\/([^/?#@]*)(\/[^?#]*)?(?:\?[^#]*)?(?:#.*)?$/i
const authority = /^(\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(?::([0-9]{0,5}))?$/
/** RFC 3986 §2: nothing else stands in a URI. */
const characters = /^(?:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$/
const unreserved = /^[A-Za-z0-9._~-]$/

const defaultPorts: Readonly<Record<string, string>> = { http: '80', https: '443' }

/** The normal form of an absolute http or https URI, without query and fragment; undefined where it is none. */
export function normalTarget(uri: string): string | undefined {
  const parts = characters.test(uri) ? shape.exec(uri) : null
  if (parts === null) return undefined
  const [, scheme = '', host = '', path = ''] = parts
  const named = authority.exec(host.toLowerCase())
  if (named === null) return undefined
  const lower = scheme.toLowerCase()
  const port = named[2] ?? ''
  const shown = port === '' || port === defaultPorts[lower] ? '' : `:${port}`
  return `${lower}://${named[1] ?? ''}${shown}${withoutDotSegments(normalEscapes(path))}`
}

/** §6.2.2.1 and §6.2.2.2: escapes in capitals, and none for what needs none. */
function normalEscapes(path: string): string {
  if (!path.includes('%')) return path
  return path.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
    return unreserved.test(character) ? character : escape.toUpperCase()
  })
}

/** §5.2.4, for a path that is empty or begins with a slash. */
function withoutDotSegments(path: string): string {
  if (!path.includes('/.')) return path === '' ? '/' : path
  const segments = path.split('/').slice(1)
  const kept: string[] = []
  for (const segment of segments) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  const last = segments.at(-1)
  const open = (last === '.' || last === '..') && kept.length > 0
  return `/${kept.join('/')}${open ? '/' : ''}`
}
