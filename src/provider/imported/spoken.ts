/** How an operator's own provider is spoken to, in the form of those that ship. */
import type { CarrierStyle } from '../adapter.ts'
import type { Home, RestManifest } from '../rest/manifest.ts'
import type { ImportedManifest } from './manifest.ts'

export const bearer = { header: 'authorization', prefix: 'Bearer ' } as const

const forms = {
  uuid: {
    pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
    example: '0b6c5a1e-6f0d-4a7e-9a51-8c2f3d1e4b5a',
  },
  number: { pattern: '^(0|[1-9][0-9]{0,14})$', example: '12345' },
  name: { pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$', example: 'staging' },
  text: { pattern: '^[!-~]{1,200}$', example: 'acct_1A2b3C' },
} as const

export function toRestManifest(name: string, given: ImportedManifest): RestManifest {
  const style = (one: { header: string; prefix: string }, called: string): CarrierStyle => ({
    name: called,
    ...one,
  })
  const { carriers = [bearer], injection = bearer, homes = {} } = given
  const own = given.credential_is_environment === true
  return {
    name,
    origins: [given.origin],
    pathPrefixes: [],
    carriers: carriers.map((one, i) => style(one, i === 0 ? 'token' : `token-${String(i + 1)}`)),
    ...(given.handle === undefined ? {} : { handle: given.handle }),
    injections: [style(injection, 'token')],
    bindings: own
      ? [{ kind: 'key', pattern: '^own$', example: 'own' }]
      : Object.entries(homes).flatMap(([kind, home]) =>
          home.is === 'place' ? [{ kind, ...forms[home.form] }] : [],
        ),
    caseless: given.caseless === true,
    headers: given.headers ?? {},
    meaningfulHeaders: Object.fromEntries(
      (given.meaningful_headers ?? []).map((one) => [one, /^[\x21-\x7e]{1,255}$/]),
    ),
    refusedHeaders: given.refused_headers ?? [],
    accepts: given.accepts ?? ['application/json'],
    bodyLimit: 1_048_576,
    homes: Object.fromEntries(
      Object.entries(homes).flatMap(([kind, home]): readonly (readonly [string, Home])[] => {
        switch (home.is) {
          case 'place':
            return [[kind, { is: 'place' }]]
          case 'listed':
            return [[kind, home]]
          case 'asked': {
            const { same, ...rest } = home
            return [[kind, same === undefined ? rest : { ...rest, same }]]
          }
          // Asked by a query, of a GraphQL provider.
          case 'queried':
          case 'queried_list':
            return []
        }
      }),
    ),
    ...(own ? { self: { is: 'key' as const } } : {}),
    rateLimitHeaders: [],
  }
}
