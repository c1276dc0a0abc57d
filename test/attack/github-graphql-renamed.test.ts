/** A name that is no longer the repository's own, spelled so that it looks like one that is, and remembered answers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  asking,
  githubIds as ids,
  githubWorld,
  verdict,
} from '../support/github-graphql-stand-in.ts'

const secret = '{ repository(owner: "acme", name: "app-staging") { tempCloneToken } }'

test('a grave operation is confirmed by name, and an old name is denied', async () => {
  const world = githubWorld()
  const asked = asking(world)
  assert.equal((await verdict(secret, undefined, asked)).kind, 'allow')
  assert.deepEqual(asked.questions, ['GET /repos/acme/app-staging '])
  world.rename('acme/app-staging', 'acme/other')
  assert.deepEqual(await verdict(secret, undefined, asked), { kind: 'deny', why: 'not_found' })
  const commit = `mutation { createCommitOnBranch(input: { branch: { repositoryNameWithOwner: "acme/app-staging", branchName: "main" }, expectedHeadOid: "a", message: { headline: "x" }, fileChanges: { deletions: [{ path: "x" }] } }) { clientMutationId } }`
  assert.deepEqual(await verdict(commit, undefined, asked), { kind: 'deny', why: 'not_found' })
})

test('an id whose repository got another name is denied by its new name', async () => {
  const world = githubWorld()
  const asked = asking(world)
  const remove = `mutation { deleteIssue(input: { issueId: "${ids.appIssue}" }) { clientMutationId } }`
  assert.equal((await verdict(remove, undefined, asked)).kind, 'allow')
  world.rename('acme/app-staging', 'acme/other')
  assert.deepEqual(await verdict(remove, undefined, asked), { kind: 'deny', why: 'outside' })
})

test('a name in another spelling is the same name or none', async () => {
  const named = (owner: string, name: string) =>
    verdict('query ($o: String!, $n: String!) { repository(owner: $o, name: $n) { id } }', {
      o: owner,
      n: name,
    })
  assert.equal((await named('ACME', 'App-Staging')).kind, 'allow')
  assert.deepEqual(await named('acme', 'app-prod'), { kind: 'deny', why: 'outside' })
  for (const [owner, name] of [
    ['acme', 'app-staging/../app-prod'],
    ['acme/app-staging', ''],
    ['acme', 'app-staging\u0000'],
    ['acme', 'app-\u017ftaging'],
    // Its lower case is a plain k.
    ['\u212Aacme', 'app-staging'],
    ['acme ', 'app-staging'],
    ['acme', '../acme/app-staging'],
    ['', 'acme/app-staging'],
    ['acme', 'app-staging.git'],
  ] as const) {
    const found = await named(owner, name)
    assert.ok(found.kind === 'deny')
    assert.match(found.why, /does not name a repository/, `${owner} ${name}`)
  }
})

test('one name under many aliases is confirmed once', async () => {
  const asked = asking(githubWorld())
  const aliases = Array.from(
    { length: 20 },
    (_, i) => `a${String(i)}: repository(owner: "acme", name: "app-staging") { tempCloneToken }`,
  )
  assert.equal((await verdict(`{ ${aliases.join(' ')} }`, undefined, asked)).kind, 'allow')
  assert.equal(asked.questions.length, 1)
})
