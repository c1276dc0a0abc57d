import { test } from 'node:test'
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adminPassword, openTestBroker } from '../support/broker.ts'
import { openBrowser, registerPasskey } from '../support/browser.ts'
import { cli } from './world.ts'

test('passkeys in a terminal', async (t) => {
  const broker = await openTestBroker(t)
  const ada = await openBrowser(broker, 'ada', ['approver'])
  const { id } = await registerPasskey(ada, 'laptop of ada')
  const home = await mkdtemp(join(tmpdir(), 'valetkey-cli-'))
  t.after(() => rm(home, { recursive: true }))
  const env = { XDG_CONFIG_HOME: home, HOME: home, VALETKEY_URL: broker.url }
  const type = (...argv: string[]) => cli(argv, { env, fetch, typed: [adminPassword] })
  assert.equal((await type('login', '--name', broker.admin.name)).code, 0)

  await t.test('are listed: one’s own, and as an admin those of another', async () => {
    const own = await type('passkey', 'list')
    assert.deepEqual(
      [own.code, own.out],
      [0, ['There are none. They are registered in a browser.']],
    )
    const theirs = await type('passkey', 'list', '--operator', 'ada')
    assert.equal(theirs.code, 0)
    assert.ok(theirs.out.some((line) => line.includes(id) && line.includes('laptop of ada')))
    const json = await type('passkey', 'list', '--operator', 'ada', '--json')
    const { items } = JSON.parse(json.out.join('\n')) as { items: { id: string }[] }
    assert.deepEqual(
      items.map((item) => item.id),
      [id],
    )
  })

  await t.test('are removed with the password, with a warning when nobody is left', async () => {
    const { code, out, err, asked } = await type('passkey', 'remove', id)
    assert.equal(code, 0, err.join('\n'))
    assert.deepEqual(asked, ['Your password'])
    assert.match(out.join('\n'), /is removed/)
    assert.match(out.join('\n'), /WARNING: .*nobody can approve/)
    assert.equal((await type('passkey', 'remove', id)).code, 1)
    assert.equal((await type('passkey', 'remove', 'op_1')).code, 2)
  })
})
