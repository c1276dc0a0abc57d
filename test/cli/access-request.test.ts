/** Requests for access, from a terminal: read with the stored sign-in, answered with a password that is typed. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { openAsking } from '../support/asking.ts'
import { adminPassword } from '../support/broker.ts'
import { cli, type CliWorld } from './world.ts'

test('an approver reads what was asked for, and answers it with a password that is typed', async (t) => {
  const { broker, approver, asked } = await openAsking(t)
  const directory = mkdtempSync(path.join(os.tmpdir(), 'valetkey-access-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const passwordFile = path.join(directory, 'password')
  writeFileSync(passwordFile, adminPassword, { mode: 0o600 })
  const env = {
    VALETKEY_URL: broker.url,
    VALETKEY_CONFIG_HOME: path.join(directory, 'home'),
    VALETKEY_PASSWORD_FILE: passwordFile,
  }
  const cookies: string[] = []
  const run = (line: string, world: CliWorld = {}) =>
    cli(line.split(' '), {
      env,
      fetch: (input, init) => {
        cookies.push(new Headers(init?.headers).get('cookie') ?? '')
        return fetch(input, init)
      },
      ...world,
    })
  assert.equal((await run(`login --name ${approver.name}`)).code, 0)

  const id = await asked({
    verbs: ['environmentRename', 'environmentDelete'],
    reason: 'nothing\n  granted: all\u202e"',
  })
  const list = await run('access list')
  assert.match(list.out.join('\n'), new RegExp(`${id} .* pending .*environmentRename`))
  const shown = await run(`access show ${id}`)
  assert.ok(shown.out.includes('  verb: environmentDelete [write, destructive]'))
  assert.deepEqual(
    shown.out.filter((line) => /granted|words/.test(line)),
    ['  its own words, which nobody checked: "nothing\\n  granted: all\\u{202e}\\""'],
  )

  // The password in a file is not one that somebody types.
  const unattended = await run(`access grant ${id}`)
  assert.equal(unattended.code, 2)
  assert.deepEqual(cookies.filter(Boolean), [])
  const wrong = await run(`access grant ${id}`, { typed: ['not it'] })
  assert.equal(wrong.code, 1)

  const typed = { typed: [adminPassword] }
  const given = await run(`access grant ${id} --verb environmentRename --for 10m`, typed)
  assert.equal(given.code, 0, given.err.join('\n'))
  assert.deepEqual(given.asked, ['Your password'])
  assert.match(given.out.join('\n'), /granted: environmentRename until 20/)
  const cookie = cookies.findLast((each) => each !== '') ?? ''
  assert.ok(cookie.startsWith('__Host-valetkey='))
  assert.doesNotMatch(
    [...given.out, ...given.err].join('\n'),
    new RegExp(cookie.slice(cookie.indexOf('=') + 1, 60)),
  )

  const other = await asked({ verbs: ['volumeCreate'] })
  assert.equal((await run(`access deny ${other}`, typed)).code, 0)
  assert.deepEqual((await run('access list')).out, ['Nothing was asked for.'])
  const denied = await run('access list --state denied --json')
  const { items } = JSON.parse(denied.out.join('\n')) as { items: { id: string }[] }
  assert.deepEqual(
    items.map((item) => item.id),
    [other],
  )
})
