import { test } from 'node:test'
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commands } from '../../src/cli/program.ts'
import { adminPassword } from '../support/broker.ts'
import { testPublicUrl } from '../support/browser.ts'
import { parkOn } from '../support/parked-approval.ts'
import { openStage } from '../support/stage.ts'
import { cli } from './world.ts'

test('approvals in a terminal', async (t) => {
  const { broker, granted } = await openStage(t)
  const home = await mkdtemp(join(tmpdir(), 'valetkey-cli-'))
  t.after(() => rm(home, { recursive: true }))
  const env = { XDG_CONFIG_HOME: home, HOME: home, VALETKEY_URL: broker.url }
  const type = (...argv: string[]) => cli(argv, { env, fetch, typed: [adminPassword] })
  assert.equal((await type('login', '--name', broker.admin.name)).code, 0)
  assert.deepEqual((await type('approval', 'list')).out, ['There is none.'])
  const approval = await parkOn(broker, granted, {
    reason: 'safe\u202e\nstate: approved',
    agentName: 'b\u043et\u001b[2K',
  })

  await t.test('are listed, those that wait', async () => {
    const { code, out } = await type('approval', 'list')
    assert.equal(code, 0)
    assert.ok(out.some((line) => line.includes(approval.id) && line.includes('"pgdata"')))
    assert.deepEqual((await type('approval', 'list', '--state', 'held')).out, ['There is none.'])
    const json = await type('approval', 'list', '--json')
    assert.equal((JSON.parse(json.out.join('\n')) as { items: unknown[] }).items.length, 1)
  })

  await t.test(
    'are shown with what is signed, and where it is decided; text from outside in marks',
    async () => {
      const { code, out } = await type('approval', 'show', approval.id)
      assert.equal(code, 0)
      const all = out.join('\n')
      assert.ok(out.includes('    arguments: {"volumeId":"v1"}'))
      assert.ok(out.includes('  Backups that die with it: 4'))
      assert.match(all, /agent: "bо⟨Cyrillic U\+043E⟩t⟨U\+001B⟩\[2K"/)
      assert.ok(out.at(-1)?.endsWith(`${testPublicUrl}/approvals/${approval.id}`))
      const words = out.filter((line) => line.includes('state: approved'))
      assert.deepEqual(words, [
        '  the agent\'s own words, which nobody checked: "safe⟨U+202E⟩⟨U+000A⟩state: approved"',
      ])
    },
  )

  await t.test('are stopped, with a reason', async () => {
    const { code, out } = await type('approval', 'cancel', approval.id, '--reason', 'wrong volume')
    assert.equal(code, 0)
    assert.match(out[0] ?? '', /cancelled$/)
    assert.ok(out.includes('  cancelled: "wrong volume"'))
    assert.equal((await type('approval', 'cancel', approval.id)).code, 1)
    assert.equal((await type('approval', 'show', 'op_1')).code, 2)
  })

  await t.test('are approved by no command', () => {
    const names = commands.map(({ name }) => name).filter((name) => name.startsWith('approval '))
    assert.deepEqual(names.sort(), [
      'approval cancel',
      'approval list',
      'approval show',
      'approval verify',
    ])
  })
})
