/** Requests for access, from a terminal: read with the stored sign-in, answered with what is typed. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { generate } from 'otplib'
import { openAsking } from '../support/asking.ts'
import { adminPassword } from '../support/broker.ts'
import { testPublicUrl, touch } from '../support/browser.ts'
import { cli, type CliWorld } from './world.ts'

test('an approver reads what was asked for, and answers it with a password and a code that are typed', async (t) => {
  const { broker, approver, asked, keyOf, clock } = await openAsking(t)
  const directory = mkdtempSync(path.join(os.tmpdir(), 'valetkey-access-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const passwordFile = path.join(directory, 'password')
  writeFileSync(passwordFile, adminPassword, { mode: 0o600 })
  const env = {
    VALETKEY_URL: broker.url,
    VALETKEY_CONFIG_HOME: path.join(directory, 'home'),
    VALETKEY_PASSWORD_FILE: passwordFile,
  }
  /** Sets the approver's one-time codes up, in a browser; returns what gives the next one. */
  const enrolled = async () => {
    const password = adminPassword
    await broker.api('PATCH', '/v1/approval-settings', { one_time_codes: 'on', password })
    const { operatorId } = approver
    const assertion = await touch(approver, keyOf(approver), 'one_time_code.enrol', operatorId)
    const { body } = await approver.send('POST', '/v1/one-time-code', { password, assertion })
    const next = () => {
      clock.ahead += 61
      const epoch = Math.floor(Date.now() / 1000) + clock.ahead
      return generate({ secret: String(body['secret']), epoch })
    }
    const confirmed = { code: await next() }
    const { status } = await approver.send('POST', '/v1/one-time-code/confirm', confirmed)
    assert.equal(status, 200)
    return next
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

  // A passkey is touched in a browser: nothing is asked for here, and nobody signed in.
  const grant = `access grant ${id} --verb environmentRename --for 10m`
  const nowhere = await run(grant, { typed: [adminPassword] })
  assert.equal(nowhere.code, 1)
  assert.deepEqual(nowhere.asked, [])
  assert.ok(nowhere.err.some((line) => line.endsWith(`${testPublicUrl}/access-requests/${id}`)))
  assert.deepEqual(cookies.filter(Boolean), [])

  const code = await enrolled()
  // The password in a file is not one that somebody types.
  const unattended = await run(grant)
  assert.equal(unattended.code, 2)
  assert.deepEqual(cookies.filter(Boolean), [])
  const wrong = await run(grant, { typed: ['not it', await code()] })
  assert.equal(wrong.code, 1)
  const none = await run(grant, { typed: [adminPassword, ''] })
  assert.equal(none.code, 2)
  assert.ok(none.err.some((line) => line.includes('/access-requests/')))

  const typed = { typed: [adminPassword, await code()] }
  const given = await run(grant, typed)
  assert.equal(given.code, 0, given.err.join('\n'))
  assert.deepEqual(given.asked, ['Your password', 'One-time code'])
  assert.match(given.out.join('\n'), /granted: environmentRename until 20/)
  const cookie = cookies.findLast((each) => each !== '') ?? ''
  assert.ok(cookie.startsWith('__Host-valetkey='))
  assert.doesNotMatch(
    [...given.out, ...given.err].join('\n'),
    new RegExp(cookie.slice(cookie.indexOf('=') + 1, 60)),
  )

  const other = await asked({ verbs: ['volumeCreate'] })
  assert.equal((await run(`access deny ${other}`, { typed: [adminPassword] })).code, 0)
  assert.deepEqual((await run('access list')).out, ['Nothing was asked for.'])
  const denied = await run('access list --state denied --json')
  const { items } = JSON.parse(denied.out.join('\n')) as { items: { id: string }[] }
  assert.deepEqual(
    items.map((item) => item.id),
    [other],
  )
})
