/**
 * What an admin says of a provider of their own: where it answers, how its credential goes out, how its environments are
 * told apart. A closed subset of what a shipped provider's manifest can say, in which nothing is code and no text is a
 * regular expression, so that reading it can run nothing and name nothing but itself.
 */
import Type, { type Static } from 'typebox'
import { handleAlphabets, type HandleAlphabet } from '../../core/handle-shape.ts'
import { At, closed, Kind, keyed, kind } from './shape.ts'

const header = '^[a-z][a-z0-9]*(-[a-z0-9]+)*$'
const Header = Type.String({ pattern: header, maxLength: 60 })
const Carrier = closed({
  header: Header,
  prefix: Type.String({
    pattern: '^([A-Za-z][A-Za-z0-9=_-]{0,38} ?)?$',
    description: 'What stands before the token, with its blank: "Bearer ", or nothing.',
  }),
})
const handle = <A extends HandleAlphabet>(alphabet: A) =>
  closed({
    prefix: Type.String({ pattern: '^([A-Za-z][A-Za-z0-9_-]{0,38})?$' }),
    alphabet: Type.Literal(alphabet),
    length: Type.Integer({
      minimum: handleAlphabets[alphabet].least,
      maximum: 100,
      description: 'Letters after the prefix.',
    }),
  })
const Question = Type.String({
  pattern: '^(/([A-Za-z0-9_~-][A-Za-z0-9._~-]*|\\{id\\}|\\{of\\}))+(\\?[A-Za-z0-9._~=&-]*)?$',
  maxLength: 500,
})
/** Into the data of a GraphQL answer: `project.servers.nodes.*.id`. */
const Data = Type.String({
  pattern: '^[A-Za-z_][A-Za-z0-9_]*(\\.([A-Za-z_][A-Za-z0-9_]*|\\*))*$',
  maxLength: 200,
})
const LookUp = Type.String({
  pattern: '^[\\x20-\\x7e\\n\\t]{1,4000}$',
  description: 'A GraphQL query of the variable $id, or $of and $after.',
})
const Home = Type.Union([
  closed({
    is: Type.Literal('place'),
    form: Type.Union(
      [Type.Literal('uuid'), Type.Literal('number'), Type.Literal('name'), Type.Literal('text')],
      { description: 'What such an id looks like; an environment is bound to it.' },
    ),
  }),
  closed({
    is: Type.Literal('asked'),
    path: Question,
    at: At,
    of: Kind,
    same: Type.Optional(At),
  }),
  closed({
    is: Type.Literal('listed'),
    of: Kind,
    path: Question,
    items: At,
    spelled: Type.String({ pattern: '^[A-Za-z0-9:/._-]*\\{id\\}$', maxLength: 100 }),
    next: At,
  }),
  closed({
    is: Type.Literal('queried'),
    query: LookUp,
    at: Data,
    of: Kind,
    same: Data,
    more: Type.Optional(Data),
  }),
  closed({
    is: Type.Literal('queried_list'),
    of: Kind,
    query: LookUp,
    items: Data,
    same: Data,
    more: Type.Optional(Data),
    cursor: Type.Optional(Data),
  }),
])

export const ImportedManifest = closed({
  origin: Type.String({
    pattern: '^https://[a-z0-9.-]{1,253}(:[0-9]{1,5})?$',
    description: 'Where it answers: https, without a path; as the provider’s own, for ever.',
  }),
  graphql: Type.Optional(
    closed({
      path: Type.String({
        pattern: '^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$',
        maxLength: 200,
        description: 'Where its GraphQL endpoint answers: /graphql.',
      }),
    }),
  ),
  carriers: Type.Optional(
    Type.Array(Carrier, {
      minItems: 1,
      maxItems: 4,
      description: 'Where a capability may arrive; Authorization: Bearer by default.',
    }),
  ),
  handle: Type.Optional(
    Type.Union([handle('hex'), handle('base62')], {
      description: 'What a token looks like to its clients, where they refuse others.',
    }),
  ),
  injection: Type.Optional(Carrier),
  caseless: Type.Optional(
    Type.Boolean({ description: 'Ids are compared without regard to case.' }),
  ),
  headers: Type.Optional(keyed(header, Type.String({ pattern: '^[!-~]([ -~]{0,198}[!-~])?$' }))),
  meaningful_headers: Type.Optional(
    Type.Array(Header, {
      maxItems: 20,
      description: 'Of requests, an idempotency key among them.',
    }),
  ),
  refused_headers: Type.Optional(
    Type.Array(Header, { maxItems: 50, description: 'They would switch who acts.' }),
  ),
  accepts: Type.Optional(
    Type.Array(Type.String({ pattern: '^[a-z]+/[a-z0-9.+-]+$', maxLength: 100 }), {
      minItems: 1,
      maxItems: 20,
    }),
  ),
  credential_is_environment: Type.Optional(
    Type.Boolean({
      description:
        'Whatever the credential reaches is the environment, which is bound as key:own; no id is looked at.',
    }),
  ),
  homes: Type.Optional(keyed(kind, Home)),
})
export type ImportedManifest = Static<typeof ImportedManifest>

export type ImportedHome = NonNullable<ImportedManifest['homes']>[string]
