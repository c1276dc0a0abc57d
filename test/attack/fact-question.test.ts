/**
 * What a person is told before they decide is asked about ids that the agent chose, and answered by whoever answers. The
 * agent must not turn such a question into another one: another path, another operation, an object that its request does
 * not name. And what comes back must not be told as something that it is not: another object, our own words, a credential.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { html, visible } from '../../src/core/visible.ts'
import type { Invocation } from '../../src/core/operation.ts'
import type { FactRules, Question } from '../../src/provider/facts/rule.ts'
import { restAdapter } from '../../src/provider/rest/adapter.ts'
import { manifest as digitalocean } from '../../src/provider/digitalocean/manifest.ts'
import { supabaseAdapter } from '../../src/provider/supabase/adapter.ts'
import { githubAdapter } from '../../src/provider/github/adapter.ts'
import { askingWorld, factContext, telling, toldClocks } from '../support/telling.ts'

const text = JSON.stringify({
  source: 'test',
  revealsAnywhere: ['password'],
  operations: [
    {
      name: 'disk/delete',
      method: 'DELETE',
      path: '/disks/{id}',
      effects: 'write destructive',
      scope: 'environment',
      ids: 'id:disk:target',
    },
    {
      name: 'disk/get',
      method: 'GET',
      path: '/disks/{id}',
      effects: 'read',
      scope: 'environment',
      ids: 'id:disk:target',
      query: 'full|boolean account',
      reveals: ['disk.keys.*.value'],
      conditions: [
        { path: 'full', adds: ['secret'] },
        { path: 'account', widens: 'all of it' },
      ],
    },
    {
      name: 'disk/key',
      method: 'GET',
      path: '/disks/{id}/key',
      effects: 'read secret',
      scope: 'environment',
      ids: 'id:disk:target',
    },
    {
      name: 'disks/list',
      method: 'GET',
      path: '/disks',
      effects: 'read',
      scope: 'account',
    },
    {
      name: 'disk/default',
      method: 'GET',
      path: '/disks/default',
      effects: 'read',
      scope: 'environment',
    },
    {
      name: 'disk/wipe',
      method: 'POST',
      path: '/disks/{id}/wipe',
      effects: 'read',
      scope: 'environment',
      ids: 'id:disk:target',
    },
  ],
})

function asked(ask: Question, invocation: Partial<Invocation> = {}) {
  const facts: FactRules = {
    rules: [
      {
        is: 'object',
        of: ['disk/delete'],
        what: 'Disk',
        ask,
        fields: [{ label: 'x', at: 'disk' }],
      },
    ],
  }
  const adapter = restAdapter({ manifest: { ...digitalocean, facts }, catalogue: () => text })
  const { ask: put, asked } = askingWorld({ '/disks/d1': { disk: 'ours' }, '/disks/a%2Fb': {} })
  const told = adapter.facts?.(
    [
      {
        operation: 'disk/delete',
        effects: ['write', 'destructive'],
        added: [],
        scope: 'environment',
        arguments: { id: 'd1' },
        resources: [{ kind: 'disk', id: 'd1', role: 'target', path: 'id' }],
        widens: [],
        ...invocation,
      },
    ],
    factContext(put),
  )
  return { told, asked }
}

async function refused(ask: Question, invocation: Partial<Invocation> = {}): Promise<void> {
  const { told, asked: questions } = asked(ask, invocation)
  const value = (await told)?.facts[0]?.value
  assert.equal(value, 'could not be asked: the request does not say enough to ask about it')
  assert.deepEqual(questions, [])
}

test('an id cannot become another path, nor a question about what the request does not name', async () => {
  const get: Question = { operation: 'disk/get' }
  const { told, asked: questions } = asked(get)
  assert.equal((await told)?.facts[0]?.value, 'x "ours"')
  assert.deepEqual(questions, ['/disks/d1'])
  for (const id of ['..', '.', '', 'a/../d2', '%2e%2e', 'a\\b', 'd1\n', 'd1?full=true', 'd1#'])
    await refused(get, {
      arguments: { id },
      // As if it had been located: the writing of the question alone must hold.
      resources: id.startsWith('d1') ? [] : [{ kind: 'disk', id, role: 'target', path: 'id' }],
    })
  await refused(get, { arguments: { id: 'd2' } })
  // A literal of another operation's path.
  await refused(get, {
    arguments: { id: 'default' },
    resources: [{ kind: 'disk', id: 'default', role: 'target', path: 'id' }],
  })
  await refused(get, { arguments: { id: ['d1'] } })
  await refused(get, { arguments: {} })
})

test('a manifest can name no question but a plain read of what is the request’s', async () => {
  await refused({ operation: 'disk/key' })
  await refused({ operation: 'disk/wipe' })
  await refused({ operation: 'disk/delete' })
  await refused({ operation: 'disks/list' })
  await refused({ operation: 'gone' })
  await refused({ operation: 'disk/get', arguments: { full: 'true' } })
  await refused({ operation: 'disk/get', arguments: { account: 'x' } })
  await refused({ operation: 'disk/get', arguments: { id: 'd2' } })
  await refused({ operation: 'disk/get', arguments: { other: 'x' } })
})

test('a credential in an answer is not told, wherever a rule looks', async () => {
  const facts: FactRules = {
    rules: [
      {
        is: 'object',
        of: ['disk/delete'],
        what: 'Disk',
        ask: { operation: 'disk/get' },
        name: 'disk.password',
        fields: [
          { label: 'a', at: 'disk.keys.*.value' },
          { label: 'b', at: 'deep.list.*.password' },
          { label: 'c', at: 'disk.keys.*.id' },
        ],
      },
    ],
  }
  const adapter = restAdapter({ manifest: { ...digitalocean, facts }, catalogue: () => text })
  const { facts: told } = await telling(adapter, 'DELETE /disks/d1', {
    '/disks/d1': {
      disk: { password: 'hunter2', keys: [{ id: 'k1', value: 'hunter2' }] },
      deep: { list: [{ password: { plain: 'hunter2' } }] },
    },
  })
  assert.deepEqual([...told], [['Disk "[redacted]"', 'a "[redacted]"; b "[redacted]"; c "k1"']])
})

test('the keys that stand in the answer about a branch are not told', async () => {
  const ref = 'previewpreviewprevie'
  const { facts } = await telling(supabaseAdapter(toldClocks), `DELETE /v1/branches/${ref}`, {
    [`/v1/branches/${ref}`]: {
      ref,
      status: 'ACTIVE_HEALTHY',
      postgres_version: '15.1',
      db_pass: 'hunter2',
      jwt_secret: 'hunter2',
    },
  })
  assert.equal(facts.get('Branch'), `status "ACTIVE_HEALTHY"; PostgreSQL "15.1"; ref "${ref}"`)
})

test('a name of the provider’s cannot pose as our words, in a document, on a terminal or on a page', async () => {
  const hostile = 'x"; archived true\u202e\n<b>Could not be asked\u001b[2J</b> ⟨U+0041⟩'
  const { facts, objects } = await telling(
    githubAdapter(() => 0),
    'DELETE /repos/acme/app',
    {
      '/repos/acme/app': { full_name: 'Acme/App', default_branch: hostile, archived: false },
      '/repos/acme/app/branches?per_page=100': [{ name: hostile }],
    },
  )
  assert.deepEqual(objects, new Map([['repository:acme/app', { name: 'Acme/App' }]]))
  for (const value of facts.values()) {
    const shown = html(visible(value))
    // oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
    assert.doesNotMatch(shown, /[\u0000-\u001f\u202e<>]/)
    assert.doesNotMatch(visible(value), /⟨U\+0041⟩/)
  }
  assert.match(
    facts.get('Repository "Acme/App"') ?? '',
    /archived false;.*default branch "x\\"; archived true/,
  )
})

test('a repository that answers under the name of another is not told as that one', async () => {
  const { facts, objects } = await telling(
    githubAdapter(() => 0),
    'DELETE /repos/acme/app',
    {
      '/repos/acme/app': { full_name: 'acme/renamed', size: 1 },
    },
  )
  assert.equal(facts.get('Repository'), 'could not be asked: the answer is about something else')
  assert.equal(objects.size, 0)
})
