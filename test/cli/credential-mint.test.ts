import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { adminPassword, openTestBroker } from '../support/broker.ts'
import {
  clientSecret,
  firstRefreshToken,
  mintParameters,
  startProviderStandIn,
  startTokenStandIn,
  tokenService,
} from '../support/minted-stage.ts'
import { cli } from './world.ts'

test('parameters are a file, the secret is piped in, and what is shown is the parameters', async (t) => {
  const service = await startTokenStandIn(t)
  const provider = await startProviderStandIn(t)
  const broker = await openTestBroker(t, {
    upstreams: { github: provider.origin },
    tokenServices: { [tokenService]: service.origin },
  })
  const home = await mkdtemp(join(tmpdir(), 'valetkey-cli-'))
  t.after(() => rm(home, { recursive: true }))
  const file = join(home, 'consent.yaml')
  const { kind, ...parameters } = mintParameters
  // JSON is YAML.
  await writeFile(file, JSON.stringify(parameters))
  const password = join(home, 'password')
  await writeFile(password, adminPassword, { mode: 0o600 })
  const env = {
    XDG_CONFIG_HOME: home,
    HOME: home,
    VALETKEY_URL: broker.url,
    VALETKEY_PASSWORD_FILE: password,
  }
  const run = (argv: readonly string[], piped?: string) =>
    cli([...argv], { env, fetch, ...(piped === undefined ? {} : { piped }) })
  assert.equal((await run(['login', '--name', broker.admin.name])).code, 0)
  await broker.api('POST', '/v1/environments', {
    name: 'acme/staging',
    bindings: [{ provider: 'github', kind: 'repository', id: 'acme/app' }],
  })
  const add = [
    'credential',
    'add',
    'consent',
    '--provider',
    'github',
    '--environment',
    'acme/staging',
  ]
  const mint = ['--mint-kind', kind, '--mint-parameters', file]
  const secret = JSON.stringify(
    { refresh_token: firstRefreshToken, client_secret: clientSecret },
    null,
    2,
  )
  const alone = await run([...add, '--mint-parameters', file], secret)
  assert.equal(alone.code, 2)
  assert.match(alone.err.join('\n'), /goes with --mint-kind/)
  const lines = await run(add, secret)
  assert.equal(lines.code, 2, 'what goes out itself has no line ends')
  const made = await run([...add, ...mint], `${secret}\n`)
  assert.equal(made.code, 0, made.err.join('\n'))
  const shown = made.out.join('\n')
  assert.match(shown, /mints: oauth_refresh\n/)
  assert.match(shown, /token_endpoint: https:\/\/login\.provider\.example\/oauth\/token/)
  assert.match(shown, /scopes: \["repo:read","repo:write"\]/)
  const next = JSON.stringify({
    refresh_token: service.issued.at(-1)?.refreshToken,
    client_secret: clientSecret,
  })
  const replaced = await run(['credential', 'replace', 'consent'], next)
  assert.equal(replaced.code, 0, replaced.err.join('\n'))
  assert.match(replaced.out.join('\n'), /version 2[\s\S]*mints: oauth_refresh/)
  for (const said of [made, replaced])
    assert.ok(!JSON.stringify(said).includes(clientSecret), 'the secret is not shown')
})
