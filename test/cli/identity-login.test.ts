/** The command line of a person who signs in at an identity provider: a browser, a code, and no password. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { run } from '../../src/cli/program.ts'
import { openTestBroker } from '../support/broker.ts'
import { openAgent } from '../support/identity-sign-in.ts'
import { openTestProvider } from '../support/identity-provider.ts'

test('a person without a password', async (t) => {
  const provider = await openTestProvider(t)
  const broker = await openTestBroker(t, { identity: provider.settings })
  provider.people.set('ada', { groups: ['platform'], name: 'ada' })
  provider.atKeyboard = 'ada'
  const home = mkdtempSync(path.join(os.tmpdir(), 'valetkey-cli-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const env = { VALETKEY_URL: broker.url, VALETKEY_CONFIG_HOME: path.join(home, 'valetkey') }

  /** Where the command asks for a code, the person opens what it printed in their browser, and types what they see. */
  async function valetkey(...argv: string[]) {
    const out: string[] = []
    const err: string[] = []
    const code = await run(argv, {
      terminal: {
        out: (line) => void out.push(line),
        err: (line) => void err.push(line),
        piped: () => Promise.resolve(undefined),
        hidden: async (label) => {
          assert.match(label, /^The code/)
          const url = err.findLast((line) => line.includes('/sign-in/command-line'))?.trim()
          const { text } = await openAgent(broker).go(String(url))
          return / data-sign-in-code>([^<]+)</.exec(text)?.[1]
        },
      },
      env,
      fetch,
      now: Date.now,
      sleep: () => Promise.resolve(),
    })
    return { code, out: out.join('\n'), err: err.join('\n') }
  }

  await t.test('signs in with a code, and keeps a bearer that says so', async () => {
    const { code, out, err } = await valetkey('login')
    assert.equal(code, 0, err)
    assert.match(out, /^Signed in to .* as ada, until/)
    assert.match(err, /sign in with Acme:/)
    const stored = readFileSync(path.join(home, 'valetkey', 'sign-in.json'), 'utf8')
    assert.equal((JSON.parse(stored) as { byProvider: unknown }).byProvider, true)
  })

  await t.test('is asked for another code where others are asked for their password', async () => {
    const added = await valetkey('operator', 'add', 'sam', '--role', 'auditor')
    assert.equal(added.code, 0, added.err)
    const listed = await valetkey('operator', 'list')
    assert.match(listed.out, /ada .* ada\s*$/m)
    assert.equal(listed.err, '')
  })

  await t.test('is told what to do where operators have passwords alone', async () => {
    Object.assign(broker.broker.deps, { identity: undefined })
    const { code, err } = await valetkey('login')
    assert.equal(code, 2)
    assert.match(err, /--name is missing/)
  })
})
