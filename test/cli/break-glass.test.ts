import { test } from 'node:test'
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adminPassword } from '../support/broker.ts'
import { openGlass } from '../support/broken-glass.ts'
import { cli } from './world.ts'

test('break-glass in a terminal', async (t) => {
  const glass = await openGlass(t)
  const { broker, granted, bob } = glass
  const home = await mkdtemp(join(tmpdir(), 'valetkey-cli-'))
  t.after(() => rm(home, { recursive: true }))
  const env = { XDG_CONFIG_HOME: home, HOME: home, VALETKEY_URL: broker.url }
  const type = (...argv: string[]) => cli(argv, { env, fetch, typed: [adminPassword] })
  assert.equal((await type('login', '--name', broker.admin.name)).code, 0)
  const reason = ['--reason', 'approvers asleep']

  assert.equal((await type('break-glass', 'ask', ...reason)).code, 2)
  const long = ['--grant', granted.grantId, '--minutes', '31']
  assert.equal((await type('break-glass', 'ask', ...long, ...reason)).code, 2)
  const asked = await type('break-glass', 'ask', '--environment', 'pocketos/staging', ...reason)
  assert.equal(asked.code, 0, asked.err.join('\n'))
  assert.deepEqual(asked.asked, ['Your password'])
  const [id = ''] = /bg_[0-9a-z]{26}/.exec(asked.out.join('\n')) ?? []
  assert.match(asked.out.join('\n'), /Nothing has changed yet/)
  assert.match(asked.out.join('\n'), /Another admin must confirm it in a browser/)

  assert.equal((await glass.confirm(bob, id)).status, 200)
  const list = (await type('break-glass', 'list')).out.join('\n')
  assert.match(list, new RegExp(`${id} .*IN FORCE until .*approvers asleep`))

  assert.equal((await glass.request()).status, 200)
  const log = (await type('audit')).out
  const row = (...parts: string[]) => log.some((line) => parts.every((part) => line.includes(part)))
  assert.ok(row('BREAK-GLASS break_glass.ask', id), log.join('\n'))
  assert.ok(row('BREAK-GLASS break_glass.confirm', 'approvers asleep'))
  assert.ok(row('allow', 'BREAK-GLASS environment', `no approval: ${id}`))

  const ended = await type('break-glass', 'end', id)
  assert.deepEqual(ended.out, [`${id} is ended.`])
  assert.match((await type('break-glass', 'list')).out.join('\n'), /No glass is broken/)
  assert.equal((await type('break-glass', 'end', 'fz_1')).code, 2)
})
