import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  buildASTSchema,
  getNamedType,
  isCompositeType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  lexicographicSortSchema,
  parse,
  printSchema,
  validate,
  visit,
  type GraphQLArgument,
  type GraphQLInputField,
} from 'graphql'
import {
  loadGithubOperations,
  loadGithubSchema,
} from '../../../../src/provider/github/graphql/catalogue.ts'
import { compileGraphql, serialise } from '../../../../src/provider/github/graphql/compile.ts'
import { githubEdges } from '../../../../src/provider/github/graphql/edges.ts'
import { leanSchema } from '../../../../src/provider/graphql/lean-schema.ts'
import {
  addressQuestion,
  homeOf,
  homed,
  nodesQuestion,
} from '../../../../src/provider/github/graphql/question.ts'
import {
  exceptions,
  inside,
  profiles,
  published,
} from '../../../../src/provider/github/graphql/reviewed-edges.ts'
import {
  adapter,
  publishedSchema,
  publishedText,
} from '../../../support/github-graphql-stand-in.ts'

const folder = new URL('../../../../src/provider/github/graphql/', import.meta.url)
const file = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
const spec = new URL('../../../../../shared/specs/github-graphql-schema.graphql', import.meta.url)
const absent = existsSync(spec) ? false : 'the shared description of GitHub is not here'

const operations = loadGithubOperations()
const catalogue = loadGithubSchema(operations)
const compiled = compileGraphql(publishedText())
const roots = ['query', 'mutation'] as const
const tableOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [type = '', fields = ''] = line.split(' | ')
      return { type, fields: fields.split(' ').filter((field) => field !== '') }
    })

test('the compiled files are what the compiler makes of the published schema', () => {
  assert.equal(file('schema.graphql'), compiled.schema)
  assert.equal(file('operations.json'), serialise(compiled.operations))
  assert.equal(
    compiled.operations.schema,
    createHash('sha256').update(file('schema.graphql')).digest('hex'),
  )
})

test('the shared description and the development dependency say the same', { skip: absent }, () => {
  assert.equal(compileGraphql(readFileSync(spec, 'utf8')).schema, compiled.schema)
})

test('the catalogue lists every root field of the published schema and no other', () => {
  const counts = roots.map((root) => {
    const listed = compiled.operations.operations.filter((field) => field.root === root)
    const fields = Object.keys(publishedSchema().getRootType(root)?.getFields() ?? {})
    assert.deepEqual(listed.map(({ field }) => field).toSorted(), fields.toSorted())
    return listed.length
  })
  assert.deepEqual(counts, [31, 247])
  assert.equal(publishedSchema().getSubscriptionType(), undefined)
})

test('the schema as it is read is the published one, without a sentence in the file', () => {
  const bare = parse(file('schema.graphql'), { noLocation: true })
  visit(bare, {
    enter(node) {
      assert.ok(!('description' in node) || node.description === undefined)
    },
    Directive: () => assert.fail('a directive is left'),
  })
  const options = { assumeValid: true, assumeValidSDL: true }
  const read = printSchema(lexicographicSortSchema(catalogue.schema))
  assert.equal(read, printSchema(lexicographicSortSchema(buildASTSchema(bare, options))))
  // And what was taken out of the published one is sentences and directives alone.
  const stripped = visit(parse(publishedText(), { noLocation: true }), {
    enter: (node) =>
      'description' in node && node.description !== undefined
        ? { ...node, description: undefined }
        : undefined,
    Directive: () => null,
    DirectiveDefinition: () => null,
  })
  assert.equal(read, printSchema(lexicographicSortSchema(buildASTSchema(stripped, options))))
})

test('a query reads and a mutation writes', () => {
  for (const field of operations.fields.values())
    assert.ok(field.effects.includes(field.root === 'mutation' ? 'write' : 'read'), field.field)
})

test('every input of type ID of an operation in an environment has a role', () => {
  for (const field of operations.fields.values()) {
    const definition = catalogue.schema.getRootType(field.root)?.getFields()[field.field]
    assert.ok(definition)
    const paths: string[] = []
    const walk = (
      args: readonly (GraphQLArgument | GraphQLInputField)[],
      prefix: readonly string[],
    ): void => {
      for (const { name, type } of args) {
        const named = getNamedType(type)
        if (named.name === 'ID') paths.push([...prefix, name].join('.'))
        if (isInputObjectType(named)) walk(Object.values(named.getFields()), [...prefix, name])
      }
    }
    walk(definition.args, [])
    const listed = field.ids.map(({ path }) => path.join('.'))
    if (field.scope === 'environment')
      assert.deepEqual(listed.toSorted(), paths.toSorted(), field.field)
    else assert.deepEqual(listed, [], field.field)
    // It touches something that can be looked up, or nothing is ever allowed.
    if (field.scope === 'environment' && field.field !== 'repository')
      assert.ok(
        field.ids.some(({ role }) => role === 'target') || field.payload !== undefined,
        field.field,
      )
  }
})

test('the ids that name nothing that is touched are this list', () => {
  const none = [...operations.fields.values()].flatMap(({ field, ids }) =>
    ids.filter(({ role }) => role === 'none').map(({ path }) => `${field}.${path.join('.')}`),
  )
  assert.deepEqual(
    [...new Set(none.map((path) => path.slice(path.lastIndexOf('.') + 1)))].toSorted(),
    [
      'actorId',
      'appId',
      'assigneeIds',
      'bypassForcePushActorIds',
      'bypassPullRequestActorIds',
      'pushActorIds',
      'reviewDismissalActorIds',
      'reviewers',
      'teamIds',
      'userIds',
    ],
  )
})

test('the effects of mutations are those that a review gives them', () => {
  const expected: Record<string, string> = {
    addComment: 'write',
    addLabelsToLabelable: 'write',
    approveDeployments: 'write admin',
    archiveRepository: 'write destructive admin',
    clearLabelsFromLabelable: 'write destructive',
    closeIssue: 'write',
    createBranchProtectionRule: 'write admin',
    createEnvironment: 'write admin',
    createIssue: 'write',
    createPullRequest: 'write',
    createRepositoryRuleset: 'write admin',
    deleteIssue: 'write destructive',
    deleteRef: 'write destructive',
    deleteRepositoryRuleset: 'write destructive admin',
    dismissPullRequestReview: 'write destructive admin',
    enablePullRequestAutoMerge: 'write admin',
    enqueuePullRequest: 'write admin',
    mergeBranch: 'write admin',
    mergePullRequest: 'write admin',
    regenerateEnterpriseIdentityProviderRecoveryCodes: 'write destructive secret admin',
    removeEnterpriseMember: 'write destructive admin',
    transferIssue: 'write destructive admin',
    updateEnterpriseProfile: 'write admin',
    verifyVerifiableDomain: 'write admin',
  }
  for (const [name, effects] of Object.entries(expected))
    assert.equal(operations.fields.get(name)?.effects.join(' '), effects, name)
  for (const [name, { effects }] of operations.fields)
    if (/^(?:delete|remove|archive|transfer|revoke|clear)/.test(name))
      assert.ok(
        effects.includes('destructive') || /^remove(?:Assignees|Labels|Reaction|Upvote)/.test(name),
        name,
      )
})

test('what is refused to everyone, and what belongs to nobody, are these lists', () => {
  const all = [...operations.fields.values()]
  const denied = compiled.operations.operations.filter((one) => one.denied !== undefined)
  assert.deepEqual(denied.map(({ field }) => field).toSorted(), [
    'acceptTopicSuggestion',
    'declineTopicSuggestion',
    'deleteLinkedBranch',
    'relay',
  ])
  assert.deepEqual(
    all.flatMap(({ scope, field }) => (scope === 'public' ? [field] : [])).toSorted(),
    [
      'codeOfConduct',
      'codesOfConduct',
      'id',
      'license',
      'licenses',
      'meta',
      'rateLimit',
      'securityAdvisories',
      'securityAdvisory',
      'securityVulnerabilities',
      'topic',
      'viewer',
    ],
  )
})

test('what would reach an owner, an organization or another repository belongs to the account', () => {
  for (const name of [
    'cloneTemplateRepository',
    'createRepository',
    'createProjectV2',
    'organization',
    'repositoryOwner',
    'search',
    'startRepositoryMigration',
    'updateTeamsRepository',
    'user',
  ])
    assert.equal(operations.fields.get(name)?.scope, 'account', name)
})

test('the reviewed tables name types and fields of the schema, each once and in order', () => {
  for (const text of [inside, published, profiles]) {
    const lines = tableOf(text)
    const types = lines.map(({ type }) => type)
    assert.deepEqual(types, types.toSorted())
    assert.equal(new Set(types).size, types.length)
    for (const { type, fields } of lines) {
      const found = catalogue.schema.getType(type)
      assert.ok(isObjectType(found), type)
      for (const field of fields) {
        const leads = found.getFields()[field]?.type
        assert.ok(leads !== undefined, `${type}.${field}`)
        if (text !== profiles) assert.ok(isCompositeType(getNamedType(leads)), `${type}.${field}`)
      }
    }
  }
  for (const edge of Object.keys(exceptions)) assert.ok(catalogue.edges.has(edge), edge)
})

test('every edge of the schema is classed, and the query type reaches outside from anywhere', () => {
  for (const type of Object.values(catalogue.schema.getTypeMap())) {
    if (!isObjectType(type) && !isInterfaceType(type)) continue
    if (type.name.startsWith('__')) continue
    for (const name of Object.keys(type.getFields())) {
      const found = catalogue.edges.get(`${type.name}.${name}`)
      assert.ok(found !== undefined, `${type.name}.${name}`)
      if (type.name === 'Query' || type.name === 'Mutation' || type.name === 'Enterprise')
        assert.equal(found, 'widens')
    }
  }
  assert.equal(catalogue.edges.get('Repository.nothing'), undefined)
  assert.equal(catalogue.edges.get('Nothing.id'), undefined)
})

test('an interface is as safe as the least safe of what is behind it', () => {
  const classes: Record<string, string> = {
    'Node.id': 'stays',
    'Actor.login': 'stays',
    'RepositoryOwner.login': 'stays',
    'RepositoryOwner.repositories': 'widens',
    'RepositoryNode.repository': 'stays',
    'GitObject.repository': 'widens',
    'GitObject.id': 'stays',
    'ProfileOwner.email': 'widens',
    'Comment.author': 'stays',
    'ProjectV2Owner.projectsV2': 'widens',
  }
  for (const [edge, kind] of Object.entries(classes))
    assert.equal(catalogue.edges.get(edge), kind, edge)
})

test('an interface with a secret behind it is one', () => {
  const edges = githubEdges(
    leanSchema(
      'type Query{a:Cloned}\ninterface Cloned{tempCloneToken:String}\ntype Repository implements Cloned{tempCloneToken:String}\n',
    ),
  )
  assert.equal(edges.get('Cloned.tempCloneToken'), 'secret')
})

test('a line of a schema that does not read is refused', () => {
  for (const text of [
    'type Query{a:Nothing}',
    'type Query{a Int}',
    'type Query{a:Int}\ntype Query{b:Int}',
    'extend type Query{a:Int}',
    'type Query{a(b:Int={c:{d:1}}):Int}',
    'type Query{a:Int',
  ])
    assert.throws(() => leanSchema(text), /the schema/, text)
})

test('a home is a name that a repository can have', () => {
  const home = (name: unknown) => homeOf({ __typename: 'Repository', w0: name })
  assert.deepEqual(home('Acme/App'), { kind: 'repository', name: 'acme/app' })
  for (const name of [null, undefined, 1, '', 'acme', 'a/b/c', '\u212Aacme/app'])
    assert.deepEqual(home(name), { kind: 'missing' })
  assert.deepEqual(homeOf({ __typename: 'User', login: 'x' }), { kind: 'none' })
  assert.deepEqual(homeOf(null), { kind: 'missing' })
})

test('a text that the schema holds for a secret is one', () => {
  const words = /token|secret|password|recoverycode|privatekey/i
  for (const { type } of tableOf(inside)) {
    const found = catalogue.schema.getType(type)
    assert.ok(isObjectType(found))
    for (const name of Object.keys(found.getFields()))
      if (words.test(name)) assert.equal(catalogue.edges.get(`${type}.${name}`), 'secret', name)
  }
})

test('the questions of where something lives are valid, and about types that are inside', () => {
  for (const question of [nodesQuestion, addressQuestion])
    assert.deepEqual(validate(publishedSchema(), parse(question)), [])
  const reviewed = new Set(tableOf(inside).map(({ type }) => type))
  for (const type of homed) assert.ok(reviewed.has(type), type)
})

test('the adapter lists and finds both APIs by name', () => {
  const names = [...adapter.operations()].map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  assert.equal(names.filter((name) => !name.includes('/')).length, 31 + 247 + 3)
  const prints = [...adapter.operations()].filter(({ root }) => root !== undefined)
  for (const { name, fingerprint } of prints)
    assert.match(fingerprint ?? '', /^[0-9a-f]{16}$/, name)
  const close = adapter.find('closeIssue')
  assert.ok(close !== undefined && close !== 'ambiguous')
  assert.deepEqual(adapter.find('mutation:closeIssue'), close)
  for (const name of ['query:closeIssue', 'mutation:repos/get', 'constructor', 'query:constructor'])
    assert.equal(adapter.find(name), undefined, name)
  const relay = adapter.find('relay')
  assert.ok(relay !== undefined && relay !== 'ambiguous' && relay.denied)
})
