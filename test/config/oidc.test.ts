/** A configuration of operators' sign-in that is wrong stops the start, with the name of what is wrong. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { ConfigError, readConfig } from '../../src/config.ts'

const good = {
  VALETKEY_OIDC_ISSUER: 'https://id.example.com/realms/acme',
  VALETKEY_OIDC_CLIENT_ID: 'valetkey',
  VALETKEY_OIDC_GROUPS: '{"platform":["admin"],"on call":["auditor","approver"]}',
}

test('what is given is read, and the rest has its default', () => {
  const { oidc, passwords } = readConfig({ ...good })
  assert.deepEqual(oidc, {
    issuer: 'https://id.example.com/realms/acme',
    clientId: 'valetkey',
    clientSecretFile: undefined,
    clientKeyFile: undefined,
    scope: 'openid profile offline_access',
    groupsClaim: 'groups',
    groups: new Map([
      ['platform', ['admin']],
      ['on call', ['approver', 'auditor']],
    ]),
    label: 'id.example.com',
    internal: false,
  })
  assert.equal(passwords, 'on')
  assert.equal(readConfig({}).oidc, undefined)
})

for (const [what, change, message] of [
  ['no client', { VALETKEY_OIDC_CLIENT_ID: '' }, /VALETKEY_OIDC_CLIENT_ID/],
  ['no groups', { VALETKEY_OIDC_GROUPS: '' }, /VALETKEY_OIDC_GROUPS is needed/],
  ['groups that are no JSON', { VALETKEY_OIDC_GROUPS: 'admins=admin' }, /VALETKEY_OIDC_GROUPS/],
  ['a list of groups', { VALETKEY_OIDC_GROUPS: '["a"]' }, /VALETKEY_OIDC_GROUPS is no object/],
  ['a group twice', { VALETKEY_OIDC_GROUPS: '{"a":["admin"],"a":["auditor"]}' }, /cannot be read/],
  ['a role that is none', { VALETKEY_OIDC_GROUPS: '{"a":["root"]}' }, /gives "a" something else/],
  ['no role', { VALETKEY_OIDC_GROUPS: '{"a":[]}' }, /gives "a" something else/],
  ['a role as text', { VALETKEY_OIDC_GROUPS: '{"a":"admin"}' }, /gives "a" something else/],
  ['no group', { VALETKEY_OIDC_GROUPS: '{}' }, /names no group/],
  [
    'a plain issuer',
    { VALETKEY_OIDC_ISSUER: 'http://id.example.com' },
    /VALETKEY_OIDC_ISSUER.*https/,
  ],
  ['an inward issuer', { VALETKEY_OIDC_ISSUER: 'https://10.0.0.1' }, /VALETKEY_OIDC_INTERNAL=true/],
  [
    'a metadata address, whatever is declared',
    { VALETKEY_OIDC_ISSUER: 'https://169.254.169.254', VALETKEY_OIDC_INTERNAL: 'true' },
    /VALETKEY_OIDC_ISSUER cannot be used/,
  ],
  [
    'plain HTTP in one’s own network',
    { VALETKEY_OIDC_ISSUER: 'http://10.0.0.1', VALETKEY_OIDC_INTERNAL: 'true' },
    /https/,
  ],
  [
    'Entra’s many tenants as one issuer',
    { VALETKEY_OIDC_ISSUER: 'https://login.microsoftonline.com/common/v2.0' },
    /many tenants/,
  ],
  [
    'the same of organisations, in another cloud',
    { VALETKEY_OIDC_ISSUER: 'https://login.microsoftonline.us/Organizations/v2.0' },
    /many tenants/,
  ],
  [
    'a secret and a key',
    { VALETKEY_OIDC_CLIENT_SECRET_FILE: 'a', VALETKEY_OIDC_CLIENT_KEY_FILE: 'b' },
    /VALETKEY_OIDC_CLIENT_SECRET_FILE and VALETKEY_OIDC_CLIENT_KEY_FILE.*give one/,
  ],
  ['an issuer with a query', { VALETKEY_OIDC_ISSUER: 'https://id.example.com/?a' }, /query/],
  ['scopes without openid', { VALETKEY_OIDC_SCOPE: 'profile groups' }, /openid/],
  ['roles by e-mail', { VALETKEY_OIDC_GROUPS_CLAIM: 'email' }, /VALETKEY_OIDC_GROUPS_CLAIM=email/],
  [
    'roles by a chosen name',
    { VALETKEY_OIDC_GROUPS_CLAIM: 'preferred_username' },
    /another person/,
  ],
  [
    'roles by what people say of themselves',
    { VALETKEY_OIDC_GROUPS_CLAIM: 'website' },
    /another person/,
  ],
  ['variables without an issuer', { VALETKEY_OIDC_ISSUER: '' }, /without VALETKEY_OIDC_ISSUER/],
  ['a misspelt one', { VALETKEY_OIDC_GROUP: '{}' }, /VALETKEY_OIDC_GROUP is not a variable/],
] as const)
  test(`${what} is refused by name`, () => {
    assert.throws(
      () => readConfig({ ...good, ...change }),
      (error) => error instanceof ConfigError && message.test(error.message),
    )
  })

test('passwords are switched off only where there is another way in', () => {
  assert.throws(() => readConfig({ VALETKEY_PASSWORDS: 'off' }), /VALETKEY_PASSWORDS=off/)
  assert.equal(readConfig({ ...good, VALETKEY_PASSWORDS: 'off' }).passwords, 'off')
})
