/**
 * Random documents over the published schema, against an evaluator that is slow and plain: it inlines every fragment,
 * follows graphql-js's own TypeInfo through what is left, and reads the reviewed tables line by line for every field it
 * meets. It takes the schema as graphql-js builds it, and ids from their types, not from the catalogue's paths.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  Kind,
  TypeInfo,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  parse,
  print,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type ValueNode,
} from 'graphql'
import { compileGraphql } from '../../../../src/provider/github/graphql/compile.ts'
import {
  exceptions,
  inside,
  profiles,
  published,
} from '../../../../src/provider/github/graphql/reviewed-edges.ts'
import {
  adapter,
  post,
  publishedSchema,
  publishedText,
} from '../../../support/github-graphql-stand-in.ts'

const schema = publishedSchema()
const reviewed = new Map(
  compileGraphql(publishedText()).operations.operations.map((one) => [one.field, one]),
)

/** A stream of small numbers that a failing run prints. */
type Dice = (sides: number) => number
type Variables = Record<string, string>

// ---- the generator

type Draft = {
  readonly dice: Dice
  alias: number
  readonly fragments: string[]
  readonly variables: Variables
}

const repositories = ['app-staging', 'app-prod']

function literal(type: GraphQLInputType, draft: Draft, depth = 0): string {
  const { dice } = draft
  if (isNonNullType(type)) return literal(type.ofType, draft, depth)
  if (isListType(type)) {
    const one = () => literal(type.ofType, draft, depth)
    // A literal may stand for a list of itself; a variable may not.
    return getNamedType(type).name !== 'ID' && dice(3) === 0 ? one() : `[${one()}, ${one()}]`
  }
  if (isEnumType(type)) return type.getValues()[dice(type.getValues().length)]?.name ?? ''
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields())
      .filter((field) => isNonNullType(field.type) || (depth < 3 && dice(3) === 0))
      .map((field) => `${field.name}: ${literal(field.type, draft, depth + 1)}`)
    return `{ ${fields.join(' ')} }`
  }
  if (type.name === 'ID') {
    const id = `I_${String(dice(7))}`
    if (dice(2) === 0) return `"${id}"`
    const name = `v${String(Object.keys(draft.variables).length)}`
    draft.variables[name] = id
    return `$${name}`
  }
  const scalars: Record<string, string> = { Int: '1', Float: '1.5', Boolean: 'true' }
  return scalars[type.name] ?? '"s"'
}

function call(field: GraphQLField<unknown, unknown>, draft: Draft): string {
  const args = field.args
    .filter((arg) => isNonNullType(arg.type) || draft.dice(4) === 0)
    .map((arg) => {
      if (field.name === 'repository' && arg.name === 'owner') return 'owner: "acme"'
      if (field.name === 'repository' && arg.name === 'name')
        return `name: "${repositories[draft.dice(2)] ?? ''}"`
      return `${arg.name}: ${literal(arg.type, draft)}`
    })
  return args.length === 0 ? field.name : `${field.name}(${args.join(' ')})`
}

function wrap(on: string, content: string, draft: Draft): string {
  const style = draft.dice(6)
  if (style === 0) return `... on ${on} { ${content} }`
  if (style === 1) return `... @include(if: false) { ${content} }`
  if (style !== 2) return content
  const name = `F${String(draft.fragments.length)}`
  draft.fragments.push(`fragment ${name} on ${on} { ${content} }`)
  return `...${name}`
}

function selections(type: GraphQLCompositeType, draft: Draft, depth: number): string {
  const { dice } = draft
  const chosen: string[] = ['__typename']
  if (isInterfaceType(type) || isUnionType(type)) {
    const possible = schema.getPossibleTypes(type)
    const one = possible[dice(possible.length)]
    if (one !== undefined && depth < 6)
      chosen.push(`... on ${one.name} ${selections(one, draft, depth + 1)}`)
  }
  if (!isUnionType(type)) {
    const fields = Object.values(type.getFields())
    for (let i = 0; i < 1 + dice(3); i++) {
      const next = fields[dice(fields.length)]
      if (next === undefined) continue
      const target = getNamedType(next.type)
      if (isCompositeType(target) && depth >= 6) continue
      const below = isCompositeType(target) ? selections(target, draft, depth + 1) : ''
      chosen.push(
        wrap(type.name, `a${String(draft.alias++)}: ${call(next, draft)} ${below}`, draft),
      )
    }
  }
  return `{ ${chosen.join(' ')} }`
}

function generate(root: 'query' | 'mutation', dice: Dice): { text: string; variables: Variables } {
  const rootType = schema.getRootType(root)
  assert.ok(rootType)
  const all = Object.values(rootType.getFields()).filter(
    ({ name }) => reviewed.get(name)?.denied === undefined,
  )
  // Most of the documents of real clients, and the most of what can be allowed.
  const usual = all.filter(({ name }) => reviewed.get(name)?.scope === 'environment')
  const draft: Draft = { dice, alias: 0, fragments: [], variables: {} }
  const parts: string[] = []
  for (let i = 0; i < 1 + dice(3); i++) {
    const from = dice(4) === 0 ? all : usual
    const field = from[dice(from.length)]
    if (field === undefined) continue
    const target = getNamedType(field.type)
    const below = isCompositeType(target) ? selections(target, draft, 0) : ''
    const one = `r${String(draft.alias++)}: ${call(field, draft)} ${below}`
    parts.push(wrap(rootType.name, wrap(rootType.name, one, draft), draft))
  }
  const declared = Object.keys(draft.variables).map((name) => `$${name}: ID!`)
  const head = declared.length === 0 ? root : `${root} (${declared.join(' ')})`
  return {
    text: `${head} { ${parts.join(' ')} } ${draft.fragments.join(' ')}`,
    variables: draft.variables,
  }
}

// ---- the evaluator

type Plain = {
  readonly operation: string
  readonly effects: string
  /** The edges that lead out. */
  readonly widens: ReadonlySet<string>
  readonly secret: boolean
  readonly targets: readonly string[]
}

/** The line of a table, or nothing. */
function lineOf(table: string, type: string): readonly string[] | undefined {
  const line = table.split('\n').find((one) => one === type || one.startsWith(`${type} | `))
  return line === undefined ? undefined : (line.split(' | ')[1] ?? '').split(' ')
}

function slowClass(type: GraphQLCompositeType, name: string): 'stays' | 'widens' | 'secret' {
  const exception = exceptions[`${type.name}.${name}`]
  if (exception !== undefined) return exception
  const known = (one: string): boolean =>
    [inside, published, profiles].some((table) => lineOf(table, one) !== undefined)
  if (isInterfaceType(type)) {
    const found = schema
      .getPossibleTypes(type)
      .filter((one) => known(one.name))
      .map((one) => slowClass(one, name))
    if (found.length === 0 || found.includes('widens')) return 'widens'
    return found.includes('secret') ? 'secret' : 'stays'
  }
  if (!isObjectType(type)) return 'widens'
  const person = lineOf(profiles, type.name)
  if (person !== undefined) return person.includes(name) ? 'stays' : 'widens'
  const target = getNamedType(type.getFields()[name]?.type)
  const scalar = !isCompositeType(target)
  const body = lineOf(inside, type.name) ?? lineOf(published, type.name)
  if (body !== undefined) return scalar || body.includes(name) ? 'stays' : 'widens'
  if (type.name.endsWith('Connection') || type.name.endsWith('Edge'))
    return scalar || ['edges', 'node', 'nodes', 'pageInfo'].includes(name) ? 'stays' : 'widens'
  if (!type.name.endsWith('Payload')) return 'widens'
  if (scalar || known(target.name) || /(?:Connection|Edge)$/.test(target.name)) return 'stays'
  if (isObjectType(target)) return 'widens'
  return schema.getPossibleTypes(target).some((one) => known(one.name)) ? 'stays' : 'widens'
}

/** The same document with every fragment written out where it is spread, until none is left. */
function inlined(document: DocumentNode): DocumentNode {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION)
      fragments.set(definition.name.value, definition)
  let definitions = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION)
  while (print({ ...document, definitions }).includes('...F'))
    definitions = definitions.map((definition) =>
      visit(definition, {
        FragmentSpread(spread) {
          const found = fragments.get(spread.name.value)
          assert.ok(found)
          return {
            kind: Kind.INLINE_FRAGMENT,
            typeCondition: found.typeCondition,
            selectionSet: found.selectionSet,
          }
        },
      }),
    )
  return { ...document, definitions }
}

function idsIn(
  type: GraphQLInputType,
  value: ValueNode,
  variables: Variables,
  last: string,
): string[] {
  if (isNonNullType(type)) return idsIn(type.ofType, value, variables, last)
  if (isListType(type)) {
    const items = value.kind === Kind.LIST ? value.values : [value]
    return items.flatMap((item) => idsIn(type.ofType, item, variables, last))
  }
  if (isInputObjectType(type) && value.kind === Kind.OBJECT)
    return value.fields.flatMap((field) => {
      const inner = type.getFields()[field.name.value]
      return inner === undefined ? [] : idsIn(inner.type, field.value, variables, field.name.value)
    })
  if (getNamedType(type).name !== 'ID') return []
  // The people, teams and apps of the reviewed list are no place.
  if (/^(?:appId|actorId|assigneeIds|reviewers|userIds|teamIds|.*ActorIds)$/.test(last)) return []
  if (value.kind === Kind.VARIABLE) return [variables[value.name.value] ?? '']
  return value.kind === Kind.STRING ? [value.value] : []
}

function evaluate(text: string, variables: Variables): readonly Plain[] {
  const document = inlined(parse(text, { noLocation: true }))
  const found: (Omit<Plain, 'widens' | 'secret'> & { widens: Set<string>; secret: boolean })[] = []
  const info = new TypeInfo(schema)
  let depth = 0
  visit(
    document,
    visitWithTypeInfo(info, {
      Field: {
        enter(node) {
          const name = node.name.value
          const parent = info.getParentType()
          assert.ok(parent)
          if (depth++ === 0) {
            const operation = reviewed.get(name)
            const definition = info.getFieldDef()
            assert.ok(operation !== undefined && definition != null)
            const targets = (node.arguments ?? []).flatMap((arg) => {
              const taken = definition.args.find((one) => one.name === arg.name.value)
              return taken === undefined ? [] : idsIn(taken.type, arg.value, variables, taken.name)
            })
            found.push({
              operation: name,
              effects: operation.effects,
              widens: new Set(),
              secret: false,
              targets: operation.scope === 'environment' ? targets : [],
            })
            return
          }
          const current = found.at(-1)
          if (name === '__typename' || current === undefined) return
          const kind = slowClass(parent, name)
          if (kind === 'widens') current.widens.add(`${parent.name}.${name}`)
          if (kind === 'secret') current.secret = true
          const args = info.getFieldDef()?.args ?? []
          for (const arg of node.arguments ?? []) {
            const taken = args.find((one) => one.name === arg.name.value)
            if (taken !== undefined && mentionsId(taken.type))
              current.widens.add(`${parent.name}.${name}`)
          }
        },
        leave() {
          depth--
        },
      },
    }),
  )
  return found
}

function mentionsId(type: GraphQLInputType): boolean {
  const named = getNamedType(type)
  return isInputObjectType(named)
    ? Object.values(named.getFields()).some((field) => mentionsId(field.type))
    : named.name === 'ID'
}

/** What the sentences name; those about arguments, which a condition of the root field adds, begin otherwise. */
function edgesOf(widens: readonly string[]): readonly string[] {
  const edges = widens.flatMap((sentence) => /^\w+\.\w+(?= )/.exec(sentence)?.[0] ?? [])
  return [...new Set(edges)].toSorted()
}

test('operations, effects, reach and ids of a random document are those of the plain reading of it', () => {
  const seen = { understood: 0, stays: 0, widens: 0, secret: 0, targets: 0 }
  fc.assert(
    fc.property(
      fc.constantFrom('query', 'mutation'),
      fc.array(fc.nat(10_000), { minLength: 80, maxLength: 80 }),
      (root, numbers) => {
        let at = 0
        const dice: Dice = (sides) => (numbers[at++ % numbers.length] ?? 0) % sides
        const { text, variables } = generate(root, dice)
        const result = adapter.identify(post({ query: text, variables }))
        if (!result.ok) {
          // Only where the generator wrote what is no name of a repository, or more than the bounds allow.
          assert.match(result.refusal.detail, /does not name a repository|more than/, text)
          return
        }
        seen.understood++
        const plain = evaluate(text, variables)
        assert.deepEqual(
          result.invocations.map(({ operation, effects, widens, added, resources }) => ({
            operation,
            effects: effects.join(' '),
            widens: edgesOf(widens),
            secret: added.includes('secret'),
            targets: resources
              .filter(({ kind }) => kind === 'node')
              .map(({ id }) => id)
              .toSorted(),
          })),
          plain.map((one) => ({
            ...one,
            widens: [...one.widens].toSorted(),
            targets: one.targets.toSorted(),
          })),
          text,
        )
        for (const one of plain) {
          seen[one.widens.size > 0 ? 'widens' : 'stays']++
          if (one.secret) seen.secret++
          if (one.targets.length > 0) seen.targets++
        }
        // What is forwarded means the same again.
        const body = JSON.parse(result.request.body?.toString() ?? '') as { query: string }
        const again = adapter.identify(post({ query: body.query, variables }))
        assert.ok(again.ok)
        assert.deepEqual(again.invocations, result.invocations)
      },
    ),
    { numRuns: 400 },
  )
  assert.ok(seen.understood > 300, JSON.stringify(seen))
  for (const count of Object.values(seen)) assert.ok(count > 0, JSON.stringify(seen))
})
