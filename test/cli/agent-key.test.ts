/** Agents with keys of their own, by the command line: registered, used, removed; and no private key is ever sent. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adminPassword } from '../support/broker.ts'
import { newTestKey, publicUrl } from '../support/client-assertion.ts'
import { openStage } from '../support/stage.ts'
import { cli } from './world.ts'

test('an agent’s own key in a terminal', async (t) => {
  const { broker, granted } = await openStage(t)
  const home = await mkdtemp(join(tmpdir(), 'valetkey-cli-'))
  t.after(() => rm(home, { recursive: true }))
  const env = { XDG_CONFIG_HOME: home, HOME: home, VALETKEY_URL: publicUrl }
  const sent: string[] = []
  /** Where a broker's name leads: what is asked of it goes to this test's. */
  const asIf =
    (name: string): typeof fetch =>
    (url, init) => {
      const target = url instanceof Request ? url.url : url.toString()
      sent.push(target)
      return fetch(target.replace(name, broker.url), init)
    }
  const type = (line: string) =>
    cli(line.split(' '), { env, fetch: asIf(publicUrl), typed: [adminPassword, adminPassword] })
  const good = async (line: string) => {
    const result = await type(line)
    assert.equal(result.code, 0, `${line}\n${result.err.join('\n')}`)
    return result
  }
  const file = async (name: string, text: string): Promise<string> => {
    const path = join(home, name)
    await writeFile(path, text, { mode: 0o600 })
    return path
  }
  const pair = generateKeyPairSync('ed25519')
  const privatePem = String(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }))
  const privatePath = await file('agent.pem', privatePem)
  const publicPath = await file(
    'agent.pub.pem',
    String(pair.publicKey.export({ format: 'pem', type: 'spki' })),
  )
  await good(`login --name ${broker.admin.name}`)

  await t.test(
    'makes an agent without a secret, which takes capabilities with its key',
    async () => {
      const added = await good(`agent add keyless --public-key ${publicPath}`)
      assert.doesNotMatch(added.out.join('\n'), /vka_/)
      const agent = /ag_[0-9a-z]{26}/.exec(added.out.join('\n'))?.[0] ?? ''
      await broker.api('POST', '/v1/grants', {
        agent,
        credential: granted.credentialId,
        password: adminPassword,
      })
      const { out, asked } = await good(`token --agent ${agent} --private-key-file ${privatePath}`)
      assert.match(out.join('\n'), /^eyJ/)
      assert.deepEqual(asked, [])
      const handle = await good(`token --agent ${agent} --private-key-file ${privatePath} --handle`)
      assert.match(handle.out.join('\n'), /^vkh_[A-Za-z0-9]{40}$/)
      assert.match(handle.err.join('\n'), /^A capability for railway in /)
      const elsewhere = cli(['token', '--agent', agent, '--private-key-file', privatePath], {
        env: { ...env, VALETKEY_URL: 'http://localhost:1' },
        fetch: asIf('http://localhost:1'),
      })
      assert.match((await elsewhere).err.join('\n'), /aud/, 'it is for who was asked, nobody else')
    },
  )

  await t.test(
    'is added to an agent, listed, used in place of the shared one, and removed',
    async () => {
      const key = newTestKey('RS256', 'laptop')
      const path = await file('laptop.json', JSON.stringify(key.publicJwk))
      const jwk = { ...key.privateKey.export({ format: 'jwk' }), alg: 'RS256' }
      const own = await file('laptop.private.json', JSON.stringify(jwk))
      const { agentId } = granted
      await good(`agent key add ${agentId} --public-key ${path}`)
      const listed = await good(`agent key list ${agentId}`)
      assert.match(listed.out.join('\n'), /laptop .*RS256/)
      await good(`token --agent ${agentId} --private-key-file ${own}`)
      await good(`agent key end-shared ${agentId}`)
      const shared = await file('shared.key', granted.agentKey)
      assert.notEqual((await type(`token --agent ${agentId} --key-file ${shared}`)).code, 0)
      await good(`token --agent ${agentId} --private-key-file ${own}`)
      await good(`agent key remove ${agentId} laptop`)
      assert.notEqual((await type(`token --agent ${agentId} --private-key-file ${own}`)).code, 0)
      assert.equal((await type(`agent key remove ${agentId} laptop`)).code, 1)
      assert.match((await good(`agent key list ${agentId}`)).out.join('\n'), /has none/)
    },
  )

  await t.test('of the private kind is refused before anything is sent', async () => {
    const jwk = JSON.stringify(newTestKey('ES256').privateKey.export({ format: 'jwk' }))
    const before = sent.length
    for (const path of [
      privatePath,
      await file('private.json', jwk),
      await file('old.pem', privatePem.replaceAll('PRIVATE KEY', 'EC PRIVATE KEY')),
      await file('nothing.json', '{}'),
    ])
      for (const line of [
        `agent key add ${granted.agentId} --public-key ${path}`,
        `agent add careless --public-key ${path}`,
      ]) {
        const { code, err } = await type(line)
        assert.equal(code, 2, line)
        const d = (JSON.parse(jwk) as { d: string }).d
        assert.ok(!err.join('\n').includes(d) && !err.join('\n').includes(privatePem.slice(40, 80)))
      }
    assert.equal(sent.length, before)
  })

  await t.test('is not used from a file that others may read, nor beside another way', async () => {
    const open = join(home, 'open.pem')
    await writeFile(open, privatePem, { mode: 0o644 })
    const { agentId } = granted
    const wide = await type(`token --agent ${agentId} --private-key-file ${open}`)
    assert.equal(wide.code, 2)
    assert.match(wide.err.join('\n'), /others may open it/)
    const both = `token --agent ${agentId} --private-key-file ${privatePath} --key-file ${privatePath}`
    assert.equal((await type(both)).code, 2)
  })

  await t.test('has its place in the help', async () => {
    for (const line of ['agent key', 'agent key --help', 'agent --help'])
      assert.match((await good(line)).out.join('\n'), /agent key remove/)
    assert.equal((await type('agent key melt')).code, 2)
    assert.match((await good('agent key add --help')).out.join('\n'), /--public-key/)
  })
})
