import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli } from './world.ts'

const uuid = '5b7c9d1e-2f3a-4b5c-8d7e-9f0a1b2c3d4e'
const refused: readonly (readonly [string, string])[] = [
  ['credential add x --provider railway --environment e --secret SECRET', 'hunter2hunter2'],
  ['credential add x --provider railway --environment e --secret=SECRET', 'hunter2hunter2'],
  ['credential add x --provider railway --environment e --token SECRET', 'hunter2hunter2'],
  ['credential add x SECRET --provider railway --environment e', uuid],
  ['credential add --provider railway --environment e x SECRET', 'plainword'],
  ['credential add x --provider railway --environment e -- SECRET', 'plainword'],
  ['credential add SECRET --provider railway --environment e', uuid],
  [
    'credential add x --provider=SECRET --environment e',
    'ghp_0123456789abcdefABCDEF0123456789abcd',
  ],
  ['credential replace x SECRET', 'rw_Fe26.2xyzABC'],
  ['login --name admin --password SECRET', 'correct horse'],
  ['login --name admin -password=SECRET', 'correct'],
  ['login --name admin SECRET', 'correct'],
  ['setup --name admin SECRET', 'vks_abcdefgh'],
  ['setup --name admin --setup-secret SECRET', 'abcdefgh'],
  ['unseal SECRET', 'xyzzy-plugh'],
  ['unseal --passphrase SECRET', 'xyzzy'],
  ['token --agent ag_00000000000000000000000000 --key SECRET', 'abcdefgh'],
  ['token --agent ag_00000000000000000000000000 SECRET', 'vka_ak_abcdefgh'],
  ['freeze everything --reason SECRET', 'vkh_abcdefgh'],
  ['freeze everything --reason SECRET', 'sbp_0123456789abcdef'],
  ['freeze everything --reason SECRET', 'dop_v1_0123456789abcdef'],
  ['freeze everything --reason SECRET', 'sk_live_abcdefgh'],
]

for (const [line, secret] of refused) {
  test(`a secret on the command line is refused with the reason, unrepeated: ${line}`, async () => {
    const argv = line.split(' ').map((word) => word.replace('SECRET', secret))
    const { code, err, out } = await cli(argv)
    assert.equal(code, 2)
    assert.match(err.join('\n'), /history.*list of processes/)
    assert.ok(![...err, ...out].join('\n').includes(secret))
  })
}

test('files and names that merely mention a key or a password are not secrets', async () => {
  for (const argv of [
    ['token', '--agent', 'ag_00000000000000000000000000', '--key-file', '/nonexistent/key'],
    ['login', '--name', 'admin', '--password-file', '/nonexistent/pw'],
  ]) {
    assert.match((await cli(argv)).err[0] ?? '', /is not there/)
  }
})

test('an agent’s key in a variable is not read, and that is said', async () => {
  const { code, err } = await cli(['token', '--agent', 'ag_00000000000000000000000000'], {
    env: { VALETKEY_AGENT_KEY: 'vka_hunter2' },
  })
  assert.equal(code, 2)
  assert.match(err[0] ?? '', /VALETKEY_AGENT_KEY is not read/)
  assert.doesNotMatch(err.join('\n'), /hunter2/)
})
