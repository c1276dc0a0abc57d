import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { githubAdapter } from '../../../src/provider/github/adapter.ts'
import { compile } from '../../../src/provider/github/compile.ts'
import { readCatalogue, serialise } from '../../../src/provider/rest/written.ts'

const shared = new URL('../../../../shared/specs/github-rest-openapi.json', import.meta.url)
const installed = new URL(import.meta.resolve('@octokit/openapi/generated/api.github.com.json'))
const descriptions = existsSync(shared) ? [shared, installed] : [installed]

type Description = { paths: Record<string, Record<string, { operationId: string }>> }

const text = readFileSync(
  new URL('../../../src/provider/github/catalogue.json', import.meta.url),
  'utf8',
)
const catalogue = readCatalogue(text)
const byName = new Map(catalogue.operations.map((operation) => [operation.name, operation]))

function read(url: URL): Description {
  return JSON.parse(readFileSync(url, 'utf8')) as Description
}

test('the catalogue has exactly the operations of the description', () => {
  for (const url of descriptions) {
    const described = Object.entries(read(url).paths).flatMap(([path, item]) =>
      Object.entries(item).map(
        ([method, { operationId }]) => `${operationId} ${method.toUpperCase()} ${path}`,
      ),
    )
    const compiled = catalogue.operations.map(
      ({ name, method, path }) => `${name} ${method} ${path.replaceAll(/\|[a-z]+/g, '')}`,
    )
    assert.equal(described.length, 1223)
    assert.deepEqual(compiled.sort(), described.sort())
  }
})

test('catalogue.json is what compiling the description gives', () => {
  for (const url of descriptions) {
    assert.ok(serialise(compile(read(url))) === text, 'run src/provider/github/compile.ts')
  }
})

test('the catalogue is small enough to ship', () => {
  assert.ok(text.length < 400_000)
})

test('a reviewed operation that the description no longer has stops the compiler', () => {
  const description = read(installed)
  const item = description.paths['/repos/{owner}/{repo}/transfer']
  assert.ok(item?.['post'])
  item['post'].operationId = 'repos/transfer-elsewhere'
  assert.throws(() => compile(description), /repos\/transfer/)
})

test('every operation has one base effect, first, and no effect twice', () => {
  for (const { name, effects } of catalogue.operations) {
    const [base, ...others] = effects.split(' ')
    assert.ok(base === 'read' || base === 'write', name)
    assert.ok(!others.includes('read') && !others.includes('write'), name)
    assert.equal(new Set(others).size, others.length, name)
  }
})

test('only GET reads, and a DELETE is destructive unless it was reviewed to undo what is done again', () => {
  for (const { name, method, effects } of catalogue.operations) {
    if (method !== 'GET') assert.ok(effects.startsWith('write'), name)
  }
  const mild = catalogue.operations.filter(
    ({ method, effects }) => method === 'DELETE' && !effects.includes('destructive'),
  )
  assert.equal(mild.length, 11)
  assert.ok(mild.every(({ effects, scope }) => effects === 'write' && scope === 'environment'))
})

test('an operation belongs to an environment exactly where its path begins with one repository', () => {
  for (const { name, path, scope } of catalogue.operations) {
    const named =
      /^(?:\/agents|\/networks)?(?:\/repos)?\/\{(?:template_)?owner(?:\|name)?\}\/\{(?:template_)?repo(?:\|name)?\}/
    assert.equal(scope === 'environment', named.test(path), name)
  }
})

test('nothing that belongs to nobody writes, reveals a secret, or takes a search', () => {
  const everybodys = catalogue.operations.filter(({ scope }) => scope === 'public')
  assert.equal(everybodys.length, 14)
  for (const { name, effects, path } of everybodys) {
    assert.equal(effects, 'read', name)
    assert.ok(
      !/\/(?:user|users|orgs|enterprises|gists|notifications|search|app)\b/.test(path),
      name,
    )
  }
})

test('no operation on secrets, variables, hooks, keys or tokens of a repository is covered by "read"', () => {
  const kept =
    /\/(?:secrets|organization-secrets|variables|organization-variables|hooks|keys|registration-token|remove-token|generate-jitconfig)(?:\/|$)/
  for (const { name, path, effects } of catalogue.operations) {
    if (!kept.test(path) || path.endsWith('/public-key')) continue
    assert.ok(effects.includes('secret'), name)
  }
})

test('what governs a repository is admin where it writes', () => {
  const governs =
    /\/(?:collaborators|invitations|permissions|protection|rulesets|hooks|keys|runners|secrets|variables|environments|transfer|interaction-limits)(?:\/|$)/
  for (const { name, method, path, effects } of catalogue.operations) {
    if (method === 'GET' || !governs.test(path)) continue
    assert.ok(effects.includes('admin'), name)
  }
})

test('effects that were decided by hand are what was decided', () => {
  const expected: Readonly<Record<string, string>> = {
    'repos/get': 'read',
    'repos/delete': 'write destructive admin',
    'repos/transfer': 'write destructive admin',
    'repos/delete-file': 'write destructive',
    'repos/create-or-update-file-contents': 'write',
    'pulls/merge': 'write admin',
    'repos/merge': 'write admin',
    'repos/merge-upstream': 'write admin',
    'pulls/update-branch': 'write',
    'actions/create-workflow-dispatch': 'write',
    'actions/get-repo-public-key': 'read',
    'actions/list-repo-variables': 'read secret',
    'actions/create-registration-token-for-repo': 'write secret admin',
    'apps/create-installation-access-token': 'write secret admin',
    'secret-scanning/get-alert': 'read secret',
    'dependency-graph/generate-sbom-report': 'write',
    'git/delete-ref': 'write destructive',
    'issues/lock': 'write',
    'checks/create': 'write',
  }
  for (const [name, effects] of Object.entries(expected))
    assert.equal(byName.get(name)?.effects, effects, name)
})

/** REST's and GraphQL's names of what is one and the same to GitHub. */
const twins: readonly (readonly [string, string])[] = [
  ['pulls/merge', 'mergePullRequest'],
  ['repos/merge', 'mergeBranch'],
  ['pulls/create', 'createPullRequest'],
  ['pulls/dismiss-review', 'dismissPullRequestReview'],
  ['pulls/request-reviewers', 'requestReviews'],
  ['pulls/update', 'updatePullRequest'],
  ['pulls/update-branch', 'updatePullRequestBranch'],
  ['issues/delete-comment', 'deleteIssueComment'],
  ['issues/lock', 'lockLockable'],
  ['git/create-ref', 'createRef'],
  ['git/delete-ref', 'deleteRef'],
  ['repos/create-deployment', 'createDeployment'],
  ['repos/create-repo-ruleset', 'createRepositoryRuleset'],
  ['repos/delete-branch-protection', 'deleteBranchProtectionRule'],
  ['repos/delete-an-environment', 'deleteEnvironment'],
  ['actions/review-pending-deployments-for-run', 'approveDeployments'],
]

test('what can be done in both languages has the same effects in both', () => {
  const adapter = githubAdapter()
  for (const [rest, graphql] of twins) {
    const [one, other] = [adapter.find(rest), adapter.find(graphql)]
    assert.ok(one !== undefined && one !== 'ambiguous' && other !== undefined, rest)
    assert.ok(other !== 'ambiguous', graphql)
    assert.deepEqual(one.effects, other.effects, `${rest} ${graphql}`)
  }
})

test('a deployment that may merge first is a merge, which it is unless it says otherwise', () => {
  const adapter = githubAdapter()
  const added = (body: unknown) => {
    const identified = adapter.identify({
      method: 'POST',
      path: '/repos/acme/app/deployments',
      query: undefined,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(body)),
    })
    assert.ok(identified.ok)
    return identified.invocations[0]?.added
  }
  assert.deepEqual(added({ ref: 'main', auto_merge: false }), [])
  assert.deepEqual(added({ ref: 'main', auto_merge: true }), ['admin'])
  assert.deepEqual(added({ ref: 'main' }), ['admin'])
})

test('the adapter lists the whole catalogue, marks what is refused to everyone, and finds by name', () => {
  const adapter = githubAdapter()
  const entries = [...adapter.operations()]
  assert.equal(entries.filter(({ name }) => name.includes('/')).length, 1223)
  const found = adapter.find('repos/get')
  assert.ok(found !== undefined && found !== 'ambiguous')
  const { fingerprint, ...entry } = found
  assert.deepEqual(entry, { name: 'repos/get', effects: ['read'], scope: 'environment' })
  assert.match(fingerprint ?? '', /^[0-9a-f]{16}$/)
  const refused = adapter.find('repos/compare-commits')
  assert.ok(refused !== undefined && refused !== 'ambiguous' && refused.denied)
  assert.equal(adapter.find('repos/nothing'), undefined)
  assert.equal(adapter.find('constructor'), undefined)
  assert.match(adapter.catalogueVersion, /^[0-9a-f]{64}$/)
})
