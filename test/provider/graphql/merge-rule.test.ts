/** Which fields may share a key of the answer: those that could both run must be one field. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildSchema, parse, validate } from 'graphql'
import { rules } from '../../../src/provider/graphql/merge-rule.ts'

const schema = buildSchema(`
  type Query { one: Either many: [Either!]! }
  union Either = Issue | Pull
  interface Thing { repository: Repository owner: String }
  type Issue implements Thing { state: IssueState! states: [IssueState!]! owner: String repository: Repository! part: Part title(long: Boolean): String name: String other: Issue self: Part }
  type Pull { state: PullState! states: [PullState!]! maybe: PullState size: Int! part: OtherPart name: String self: Pull }
  type Part { kind: IssueState! id: ID! }
  type OtherPart { kind: PullState! id: Int! much: Int }
  type Repository { name: String url: String }
  enum IssueState { OPEN CLOSED }
  enum PullState { OPEN MERGED }
`)

const messages = (query: string): string[] =>
  validate(schema, parse(query), rules).map(({ message }) => message)

test('leaves of two types may share a key where one of the two runs', () => {
  for (const query of [
    '{ one { ... on Issue { state } ... on Pull { state } } }',
    '{ many { ... on Issue { states } ... on Pull { states } } }',
    '{ one { ... on Issue { part { kind } } ... on Pull { part { kind } } } }',
    '{ one { ... on Issue { part { kind id } state } ... on Pull { part { kind id } state } } }',
    '{ one { ...a ...b } } fragment a on Issue { x: state } fragment b on Pull { x: size }',
  ])
    assert.deepEqual(messages(query), [], query)
})

test('everything else that graphql-js refuses is still refused', () => {
  for (const [query, why] of [
    ['{ one { ... on Issue { x: name x: owner } } }', /different fields/],
    ['{ one { ... on Issue { title(long: true) title } } }', /differing arguments/],
    ['{ one { ... on Issue { x: state } ... on Pull { x: maybe } } }', /conflicting types/],
    ['{ one { ... on Issue { x: state } ... on Pull { x: states } } }', /conflicting types/],
    ['{ one { ... on Issue { x: name } ... on Pull { x: self { name } } } }', /conflicting types/],
    [
      '{ one { ... on Thing { repository { x: name } } ... on Issue { repository { x: url } } } }',
      /conflicting types "Repository" and "Repository!"/,
    ],
    // A leaf that is let through does not take with it what stands beside it.
    [
      '{ one { ... on Issue { part { kind x: id } } ... on Pull { part { kind x: much } } } }',
      /subfields "x" conflict/,
    ],
    [
      '{ one { ... on Issue { state x: name x: owner } ... on Pull { state } } }',
      /different fields/,
    ],
  ] as const) {
    const found = messages(query)
    assert.equal(found.length, 1, query)
    assert.match(found[0] ?? '', why)
  }
})
