import { test } from 'node:test'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { recoverCommand } from '../../src/keeper/recover.ts'
import { openBrowser, registerPasskey } from '../support/browser.ts'
import { adminPassword, openTestBroker } from '../support/broker.ts'
import {
  configFor,
  kekText,
  privateDirectory,
  recordingDesk,
  writeKekFile,
} from '../support/keeper.ts'

const key = randomBytes(32)

test('whoever holds the key makes an admin anew, beside a running broker and loudly', async (t) => {
  const broker = await openTestBroker(t, { key })
  const recovered = () =>
    broker.broker.db
      .selectFrom('audit_entry')
      .select('canonical')
      .where('canonical', 'like', '%operator.RECOVERED%')
      .execute()

  await t.test('but nobody without it', async (t) => {
    const wrong = join(await privateDirectory(t), 'kek')
    await writeKekFile(wrong, randomBytes(32))
    for (const variables of [
      { VALETKEY_KEK_FILE: wrong },
      { VALETKEY_KEK_FILE: `${wrong}-none` },
      { VALETKEY_KEK: kekText(randomBytes(32)) },
      { VALETKEY_KEK_SOURCE: 'passphrase' },
    ]) {
      const config = configFor(broker.connection, variables)
      const desk = recordingDesk('guess')
      await assert.rejects(recoverCommand(config, ['--name', 'admin'], desk), {
        name: 'StartError',
      })
      assert.deepEqual(desk.lines, [])
    }
    assert.equal((await recovered()).length, 0)
    await broker.api('GET', '/v1/me')
  })

  const before = await openBrowser(broker, 'admin')
  await registerPasskey(before)
  const desk = recordingDesk()
  const config = configFor(broker.connection, { VALETKEY_KEK: kekText(key) })
  await recoverCommand(config, ['--name', 'admin'], desk)
  const [secret] = /vks_\S+/.exec(desk.lines.join('\n')) ?? []
  assert.ok(secret !== undefined)
  assert.equal((await recovered()).length, 1)
  assert.ok(!(await recovered())[0]?.canonical.includes(secret))
  await broker.api('GET', '/v1/me', undefined, 401)
  await broker.api('POST', '/v1/sign-in', { name: 'admin', password: adminPassword }, 401)
  const password = 'another correct horse battery'
  await broker.api('POST', '/v1/setup', { name: 'admin', setup_secret: secret, password })
  await broker.api('POST', '/v1/sign-in', { name: 'admin', password })

  // The passkeys are lost, or not only theirs; a new one needs nobody's permit.
  assert.match(String((await recovered())[0]?.canonical), /1 passkeys of theirs are gone/)
  const after = await openBrowser(broker, 'admin', undefined, password)
  assert.deepEqual((await after.send('GET', '/v1/passkeys')).body, { items: [] })
  const { status, body } = await after.send('POST', '/v1/passkeys/options', { password })
  assert.equal(status, 200)
  assert.equal(body['touch'], undefined)
})

test('a command that is not called as it takes to be says how', async (t) => {
  const broker = await openTestBroker(t, { key })
  const config = configFor(broker.connection, { VALETKEY_KEK: kekText(key) })
  for (const args of [[], ['admin'], ['--name', ''], ['--name', 'a\nb'], ['--nam', 'x']])
    await assert.rejects(recoverCommand(config, args, recordingDesk()), { name: 'UsageError' })
})
