import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  buildSchema,
  getNamedType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  parse,
  print,
  specifiedScalarTypes,
  visit,
  type GraphQLArgument,
  type GraphQLInputField,
} from 'graphql'
import { railwayCatalogue } from '../../../src/provider/railway/catalogue.ts'
import { lean } from '../../../src/provider/graphql/lean-schema.ts'
import { adapter } from '../../support/railway-verdict.ts'

const spec = new URL('../../../../shared/specs/railway-schema.graphql', import.meta.url)
const absent = existsSync(spec) ? false : 'the shared description of Railway is not here'
const compiled = new URL('../../../src/provider/railway/schema.graphql', import.meta.url)

const catalogue = railwayCatalogue()
const roots = ['query', 'mutation', 'subscription'] as const

function namesOf(root: (typeof roots)[number], schema = catalogue.schema): string[] {
  return Object.keys(schema.getRootType(root)?.getFields() ?? {}).toSorted()
}

test(
  'the catalogue lists every root field of the published schema and no other',
  { skip: absent },
  () => {
    const published = buildSchema(readFileSync(spec, 'utf8'))
    const counts = roots.map((root) => {
      const listed = [...catalogue.roots.values()].filter((field) => field.root === root)
      assert.deepEqual(listed.map((field) => field.field).toSorted(), namesOf(root, published))
      return listed.length
    })
    assert.deepEqual(counts, [152, 230, 13])
  },
)

test('the compiled schema is the published one without its sentences', { skip: absent }, () => {
  const published = readFileSync(spec, 'utf8')
  const bare = print(parse(readFileSync(compiled, 'utf8'), { noLocation: true }))
  assert.equal(bare, print(parse(lean(published), { noLocation: true })))
  visit(parse(bare), {
    enter(node) {
      assert.ok(!('description' in node) || node.description === undefined)
    },
    Directive(node) {
      assert.fail(`a directive is left: ${node.name.value}`)
    },
  })
})

test('a query reads and a mutation writes', () => {
  for (const field of catalogue.roots.values())
    assert.ok(field.effects.includes(field.root === 'mutation' ? 'write' : 'read'), field.field)
})

test('every id argument of an operation in an environment is in the catalogue, and nothing else is', () => {
  const idLike = /^ids?$|Ids?$/
  for (const field of catalogue.roots.values()) {
    const definition = catalogue.schema.getRootType(field.root)?.getFields()[field.field]
    assert.ok(definition)
    const paths = new Set<string>()
    const all = new Set<string>()
    const walk = (
      args: readonly (GraphQLArgument | GraphQLInputField)[],
      prefix: readonly string[],
    ): void => {
      for (const { name, type } of args) {
        const path = [...prefix, name]
        const named = getNamedType(type)
        all.add(path.join('.'))
        if (idLike.test(name) && !isInputObjectType(named)) paths.add(path.join('.'))
        if (idLike.test(prefix.at(-1) ?? '')) paths.add(path.join('.'))
        if (isInputObjectType(named)) walk(Object.values(named.getFields()), path)
      }
    }
    walk(definition.args, [])
    const listed = field.ids.map((id) => id.path.join('.'))
    for (const path of [...listed, ...field.adds.map((rule) => rule.path.join('.'))])
      assert.ok(all.has(path), `${field.field}: no argument ${path}`)
    for (const { targetWhen } of field.ids)
      assert.ok(targetWhen === undefined || all.has(targetWhen.join('.')))
    if (field.scope === 'environment')
      assert.deepEqual(
        [...paths].filter((path) => !listed.includes(path)),
        [],
        field.field,
      )
    else assert.deepEqual(listed, [], field.field)
  }
})

test('every scalar argument whose content the schema does not describe was thought about', () => {
  // Each of these takes text or settings, not references to what lives elsewhere; the rest have a reader.
  const reviewed = new Set([
    'CloudAgentCreateInput.variables',
    'SandboxCreateInput.variables',
    'SandboxTemplateInput.variables',
    'ServiceCreateInput.variables',
    'VariableCollectionUpsertInput.variables',
    'ServiceInstanceUpdateInput.multiRegionConfig',
    'ServiceInstanceUpdateInput.nixpacksPlan',
    'UpdateServiceEdgeRulesInput.edgeRules',
    'ValidateServiceEdgeRulesInput.edgeRules',
    'ObservabilityDashboardUpdateInput.displayConfig',
    'IntegrationCreateInput.config',
    'IntegrationUpdateInput.config',
    'TemplateDeployV2Input.serializedConfig',
    'TemplateDeployService.variables',
    'TemplateDeployService.volumes',
  ])
  const plain = new Set([...specifiedScalarTypes.map((type) => type.name), 'DateTime', 'BigInt'])
  for (const field of catalogue.roots.values()) {
    if (field.scope !== 'environment') continue
    const definition = catalogue.schema.getRootType(field.root)?.getFields()[field.field]
    const walk = (owner: string, args: readonly (GraphQLArgument | GraphQLInputField)[]): void => {
      for (const { name, type } of args) {
        const named = getNamedType(type)
        if (isInputObjectType(named)) walk(named.name, Object.values(named.getFields()))
        if (!isScalarType(named) || plain.has(named.name)) continue
        const read = owner === field.field && field.payload?.path.join('.') === name
        assert.ok(read || reviewed.has(`${owner}.${name}`), `${field.field}: ${owner}.${name}`)
      }
    }
    walk(field.field, definition?.args ?? [])
  }
})

test('every edge of the schema is classed', () => {
  for (const type of Object.values(catalogue.schema.getTypeMap())) {
    if (!isObjectType(type) && !isInterfaceType(type)) continue
    if (roots.some((root) => catalogue.schema.getRootType(root) === type)) continue
    for (const name of Object.keys(type.getFields()))
      assert.ok(catalogue.edges.has(`${type.name}.${name}`), `${type.name}.${name}`)
  }
})

test('no edge below a root field takes an id of its own', () => {
  for (const type of Object.values(catalogue.schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    if (roots.some((root) => catalogue.schema.getRootType(root) === type)) continue
    for (const field of Object.values(type.getFields()))
      for (const arg of field.args)
        assert.doesNotMatch(arg.name, /id$/i, `${type.name}.${field.name}`)
  }
})

test('the edges that hand out secrets or leave the environment are classed so', () => {
  const classes: Record<string, string> = {
    'Environment.config': 'secret',
    'Environment.variables': 'secret',
    'EnvironmentPatch.patch': 'secret',
    'DeploymentSnapshot.variables': 'secret',
    'Deployment.meta': 'secret',
    'Plugin.variables': 'secret',
    'BucketS3CompatibleCredentials.secretAccessKey': 'secret',
    'InviteCode.code': 'secret',
    'DockerComposeImport.patch': 'secret',
    'Integration.config': 'secret',
    'Environment.sourceEnvironment': 'widens',
    'Project.environments': 'widens',
    'Project.baseEnvironment': 'widens',
    'Project.services': 'widens',
    'Project.volumes': 'widens',
    'Project.members': 'widens',
    'Project.workspace': 'widens',
    'Service.deployments': 'widens',
    'Service.serviceInstances': 'widens',
    'Volume.volumeInstances': 'widens',
    'Deployment.service': 'stays',
    'Service.project': 'stays',
    'Deployment.environment': 'stays',
    'Environment.deployments': 'stays',
    'VolumeInstance.volume': 'stays',
    'Environment.name': 'stays',
  }
  for (const [edge, kind] of Object.entries(classes))
    assert.equal(catalogue.edges.get(edge), kind, edge)
})

test('what could not be told ships denied, and is this list', () => {
  const denied = [...catalogue.roots.values()].filter((field) => field.denied)
  assert.deepEqual(denied.map((field) => field.field).toSorted(), [
    'adminVolumeInstancesForVolume',
    'herokuImportVariables',
    'jobApplicationCreate',
    'plugin',
    'pluginCreate',
    'pluginDelete',
    'pluginLogs',
    'pluginLogs',
    'pluginReset',
    'pluginResetCredentials',
    'pluginRestart',
    'pluginStart',
    'pluginUpdate',
  ])
})

test('what belongs to nobody is this list', () => {
  const free = [...adapter.operations()].filter((entry) => entry.scope === 'public')
  assert.deepEqual(free.map((entry) => entry.name).toSorted(), [
    '__schema',
    '__type',
    '__typename',
    'auditLogEventTypeInfo',
    'functionRuntime',
    'functionRuntimes',
    'platformStatus',
    'publicStats',
    'templatesCount',
  ])
})

test('a name that stands under two roots is ambiguous until its root is named', () => {
  assert.equal(adapter.find('sandboxTemplateBuild'), 'ambiguous')
  assert.equal(adapter.find('deployment'), 'ambiguous')
  const mutation = adapter.find('mutation:sandboxTemplateBuild')
  const query = adapter.find('query:sandboxTemplateBuild')
  assert.ok(typeof mutation === 'object' && mutation.effects.includes('write'))
  assert.ok(typeof query === 'object' && query.effects.includes('read'))
  assert.equal(typeof adapter.find('query:environment'), 'object')
  assert.equal(adapter.find('mutation:environment'), undefined)
  assert.equal(adapter.find('volumeObliterate'), undefined)
  assert.equal(adapter.find('constructor'), undefined)
})
