/** How GitHub is spoken to, and which of its headers mean something. */
import type { CarrierStyle, ErrorAnswer } from '../adapter.ts'

export const name = 'github'
export const origins = ['https://api.github.com'] as const

/** `gh` and Octokit put this before the paths of any host that is not api.github.com. */
export const pathPrefixes = ['/api/v3'] as const

export const carriers: readonly CarrierStyle[] = [
  { name: 'bearer', header: 'authorization', prefix: 'Bearer ' },
  // What `gh` and older versions of Octokit write.
  { name: 'token', header: 'authorization', prefix: 'token ' },
]

export const injections: readonly CarrierStyle[] = [
  { name: 'bearer', header: 'authorization', prefix: 'Bearer ' },
]

/** GitHub refuses requests without one; a constant, so that the agent's own says nothing upstream. */
export const headers: Readonly<Record<string, string>> = { 'user-agent': 'valetkey' }

/** Media types and times are short; what is longer is not one. */
export const meaningfulHeaders: Readonly<Record<string, RegExp>> = {
  'if-modified-since':
    /^[A-Za-z]{3}, [0-9]{2} [A-Za-z]{3} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/,
  'if-none-match':
    /^(?:\*|(?:W\/)?"[\x21\x23-\x7e]{0,200}"(?:, ?(?:W\/)?"[\x21\x23-\x7e]{0,200}"){0,9})$/,
  'x-github-api-version': /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/,
}

export const bodyLimit = 2 * 1024 * 1024

export const repositoryBinding = {
  kind: 'repository',
  pattern: '^[A-Za-z0-9_-]{1,100}/(?!\\.{1,2}$)(?!.*\\.[Gg][Ii][Tt]$)[A-Za-z0-9._-]{1,100}$',
  example: 'octocat/hello-world',
} as const

const plainTypes = new Set([
  '*/*',
  'application/*',
  'application/json',
  'text/plain',
  'text/html',
  'text/*',
])

/** Bytes in place of a description, for the operations whose answer may be bytes. */
const byteTypes = new Set(['application/octet-stream', 'application/zip'])

export function acceptsMediaType(mediaType: string, opaque: boolean): boolean {
  if (plainTypes.has(mediaType) || mediaType === 'application/sarif+json') return true
  if (opaque && byteTypes.has(mediaType)) return true
  return /^application\/vnd\.github(?:[.+][a-z0-9.+-]{1,60})?$/.test(mediaType)
}

/** `gh` shows of an error its `message`, and of one without it only the status. */
export function errorAnswer(problem: Readonly<Record<string, unknown>>): ErrorAnswer {
  const body = JSON.stringify({ ...problem, message: problem['detail'] })
  return { contentType: 'application/problem+json', body }
}

/** GitHub names repositories, organizations and people by number in the links of its answers. */
export function samePath(asked: string, named: string): boolean {
  return byNumber.some(([name, number]) => {
    const one = name.exec(asked)
    const other = number.exec(named)
    return one !== null && other !== null && one[1] === other[1]
  })
}

const byNumber = [
  [/^\/repos\/[^/]+\/[^/]+(\/.*)?$/, /^\/repositories\/[0-9]+(\/.*)?$/],
  [/^\/orgs\/[^/]+(\/.*)?$/, /^\/organizations\/[0-9]+(\/.*)?$/],
  [/^\/users\/[^/]+(\/.*)?$/, /^\/user\/[0-9]+(\/.*)?$/],
] as const
