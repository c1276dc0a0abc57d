/**
 * An id out of a request goes into the path of the broker's own question, and into the text that is looked for in a
 * list. It must not become another path there (`..`), nor another text (`$'`, which a replacement would read).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Invocation } from '../../src/core/operation.ts'
import { createAnswers } from '../../src/provider/rest/answers.ts'
import { createLocator } from '../../src/provider/rest/locate.ts'
import type { Home } from '../../src/provider/rest/manifest.ts'
import { bareManifest } from '../support/bare-manifest.ts'

const listed = (spelled: string): Home => ({
  is: 'listed',
  of: 'project',
  path: '/projects/{of}/resources',
  items: 'resources.*.urn',
  spelled,
  next: 'links.next',
})

const manifest = bareManifest({
  project: { is: 'place' },
  app: {
    is: 'asked',
    path: '/apps/{id}/settings',
    at: 'project_id',
    of: 'project',
    same: 'id',
  },
  urn: listed('{id}'),
  droplet: listed('shop:droplet:{id}'),
})

/** Every question about an app answers that it is ours; the project lists one droplet. */
async function look(kind: string, id: string) {
  const asked: string[] = []
  const invocation: Invocation = {
    operation: 'x',
    effects: ['read'],
    added: [],
    scope: 'environment',
    arguments: {},
    resources: [{ kind, id, role: 'target', path: kind }],
    widens: [],
  }
  const located = await createLocator(
    manifest,
    createAnswers(() => 0),
  )(invocation, {
    fresh: false,
    cacheKey: 'cred_1:1',
    bound: new Set(['project:p1']),
    ask: ({ target }) => {
      asked.push(target)
      const json = target.startsWith('/apps/')
        ? { id, project_id: 'p1' }
        : { resources: [{ urn: 'shop:droplet:7' }], links: {} }
      return Promise.resolve({ status: 200, json })
    },
  })
  return { asked, located }
}

test('an id that a path cannot hold is nowhere, and nobody is asked about it', async () => {
  for (const id of [
    '',
    '.',
    '..',
    ' ..',
    '..;x',
    'a/../b',
    'a\\..\\b',
    '\u002e%2e',
    'a\n',
    '．．',
  ]) {
    const { asked, located } = await look('app', id)
    assert.deepEqual(asked, [], JSON.stringify(id))
    assert.deepEqual(located.places, [])
    assert.equal(located.unresolved[0]?.why, 'not_found')
  }
  const { asked, located } = await look('app', 'a/b')
  assert.deepEqual(asked, ['/apps/a%2Fb/settings'])
  assert.deepEqual(located.places, ['project:p1'])
  assert.deepEqual((await look('app', 'a?x=')).asked, ['/apps/a%3Fx%3D/settings'])
})

test('an id is looked for as it is, whatever a replacement would make of it', async () => {
  for (const [kind, id] of [
    ['droplet', "$'7"],
    ['urn', '$`shop:droplet:7'],
    ['urn', "shop:droplet:$'7"],
  ] as const) {
    const { located } = await look(kind, id)
    assert.deepEqual(located.places, [], id)
  }
  assert.deepEqual((await look('droplet', '7')).located.places, ['project:p1'])
})
