/** DigitalOcean through a whole broker: what a project's capability may do, and what it may not. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openTestBroker, type TestBroker } from '../../support/broker.ts'
import * as world from '../../support/digitalocean-stand-in.ts'
import { answerOf, grantOn, type Answer } from '../../support/world.ts'

let broker: TestBroker
let upstream: world.DigitaloceanStandIn

before(async () => {
  upstream = await world.startDigitaloceanStandIn()
  broker = await openTestBroker(undefined, { upstreams: { digitalocean: upstream.origin } })
})

after(async () => {
  await broker.close()
  await upstream.close()
})

type Client = (method: string, path: string, body?: unknown, headers?: object) => Promise<Answer>

async function clientOf(verbs: readonly string[], project = world.staging): Promise<Client> {
  const granted = await grantOn(broker, {
    provider: 'digitalocean',
    bindings: [{ provider: 'digitalocean', kind: 'project', id: project }],
    secret: world.token,
    grant: { verbs, approval: 'never' },
  })
  const token = await granted.token()
  return async (method, path, body, headers) =>
    answerOf(
      await fetch(`${broker.url}/proxy/digitalocean/v2${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    )
}

/** The requests that reached the provider since, less the broker's own questions. */
function sent(method: string): readonly world.DigitaloceanRequest[] {
  return upstream.requests.filter((request) => request.method === method)
}

test('a droplet of the project, on whichever page it is listed, is acted on with what was decided', async () => {
  const call = await clientOf(['read', 'dropletActions_post'])
  assert.equal((await call('GET', '/droplets/102')).status, 200)
  const before = sent('POST').length
  const answer = await call('POST', '/droplets/101/actions', { type: 'reboot' })
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.headers.get('ratelimit-remaining'), '4999')
  const [left] = sent('POST').slice(before)
  assert.equal(left?.target, '/v2/droplets/101/actions')
  assert.equal(left?.body, '{"type":"reboot"}')
  assert.equal(left?.headers.authorization, `Bearer ${world.token}`)
})

test('what an action does is said by its type, and a verb must name it', async () => {
  const call = await clientOf(['read', 'write'])
  const before = sent('POST').length
  const off = await call('POST', '/droplets/101/actions', { type: 'power_off' })
  assert.equal(off.json['code'], 'verb_missing')
  assert.match(off.text, /dropletActions_post\+destructive/)
  const password = await call('POST', '/droplets/101/actions', { type: 'password_reset' })
  assert.match(password.text, /dropletActions_post\+destructive\+admin/)
  const unknown = await call('POST', '/droplets/101/actions', { type: 'melt' })
  assert.match(unknown.text, /dropletActions_post\+destructive\+admin/)
  assert.equal(sent('POST').length, before)
})

test('a droplet, a volume or a database of another project is refused, and nothing leaves', async () => {
  const call = await clientOf(['read', 'write', 'read+write+destructive'])
  const before = sent('DELETE').length
  for (const path of [
    '/droplets/901',
    `/volumes/${world.productionVolume}`,
    `/databases/${world.productionDatabase}`,
    '/domains/example.com',
    '/snapshots/509',
  ]) {
    const answer = await call('DELETE', path)
    assert.equal(answer.status, 403, `${path} ${answer.text}`)
    assert.ok(!answer.text.includes(world.production), 'and does not say whose it is')
  }
  assert.equal(sent('DELETE').length, before)
  assert.equal((await call('DELETE', '/snapshots/501')).status, 200)
  assert.equal((await call('DELETE', `/databases/${world.stagingDatabase}`)).status, 200)
  assert.equal(sent('DELETE').length, before + 2)
})

test('what names no project goes to the default one, which the capability may not be for', async () => {
  const call = await clientOf(['read', 'write'])
  const droplet = { name: 'web', region: 'fra1', size: 's-1vcpu-1gb', image: 'ubuntu-24-04-x64' }
  const before = sent('POST').length
  assert.equal((await call('POST', '/droplets', droplet)).json['code'], 'environment_outside')
  const database = { name: 'db', engine: 'pg', num_nodes: 1, size: 'x', region: 'fra1' }
  assert.equal((await call('POST', '/databases', database)).json['code'], 'environment_outside')
  assert.equal(sent('POST').length, before)
  const named = await call('POST', '/databases', { ...database, project_id: world.staging })
  assert.equal(named.status, 200, named.text)

  const prod = await clientOf(['read', 'write'], world.production)
  assert.equal((await prod('POST', '/droplets', droplet)).status, 200)
  const elsewhere = await prod('POST', '/databases', { ...database, project_id: world.staging })
  assert.equal(elsewhere.json['code'], 'environment_outside')
})

test('passwords come back redacted, in addresses too, but for who may see them', async () => {
  const call = await clientOf(['read', 'databases_get_cluster+secret'])
  const plain = await call('GET', `/databases/${world.stagingDatabase}`)
  assert.equal(plain.status, 200)
  assert.ok(!plain.text.includes('secret-of-'), plain.text)
  assert.match(plain.text, /"host":"db"/)
  const shown = await call('GET', `/databases/${world.stagingDatabase}`, undefined, {
    'valetkey-reveal': 'secret',
  })
  assert.ok(shown.text.includes('secret-of-'))
})

const volumePath = `/volumes/${world.stagingVolume}`

async function withApproval(terms: Record<string, unknown> = {}): Promise<() => Promise<Answer>> {
  const granted = await grantOn(broker, {
    provider: 'digitalocean',
    bindings: [{ provider: 'digitalocean', kind: 'project', id: world.staging }],
    secret: world.token,
    grant: { verbs: ['volumes_delete'], approval_terms: terms },
  })
  const token = await granted.token()
  return async () =>
    answerOf(
      await fetch(`${broker.url}/proxy/digitalocean/v2${volumePath}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${token}` },
      }),
    )
}

test('who approves reads the volume by its name, and what survives it, as the provider has it', async () => {
  const answer = await (await withApproval())()
  assert.equal(answer.json['code'], 'approval_required', answer.text)
  const { id, sentence } = answer.json['approval'] as Record<string, string>
  assert.match(sentence ?? '', /^digitalocean volumes_delete of the volume "staging-data" \(/)
  const { document } = await broker.api<{
    document: { facts: readonly { label: string; value: string }[] }
  }>('GET', `/v1/approvals/${String(id)}`)
  const facts = new Map(document.facts.map(({ label, value }) => [label, value]))
  assert.match(facts.get('Volume "staging-data"') ?? '', /^size 100 GB; region "fra1"; /)
  assert.match(
    facts.get('Snapshots that survive it') ?? '',
    /^1; the newest is "nightly" of .* \(3 h old\), size 12.5 GB$/,
  )
  assert.equal(sent('DELETE').filter(({ target }) => target.endsWith(volumePath)).length, 0)
})

test('a precondition asks for a snapshot that is young enough before it asks a person', async () => {
  const wanting = (hours: number) =>
    withApproval({
      preconditions: [{ name: 'newest_independent_backup', max_age_seconds: hours * 3600 }],
    })
  const old = await (await wanting(2))()
  assert.equal(old.json['code'], 'precondition_unmet', old.text)
  assert.match(old.text, /is 3 h old/)
  const young = await (await wanting(4))()
  assert.equal(young.json['code'], 'approval_required', young.text)
})
