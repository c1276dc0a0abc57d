/**
 * What an admin states of a minting is put into paths, hosts, forms, documents and policies. A text that is more than the id
 * it should be must not lead the vault's secret to another host or path, nor what is minted to another account.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnyMintKind } from '../../src/minting/kinds.ts'
import { mintKind } from '../../src/minting/kinds.ts'
import type { Exchange, Narrowing } from '../../src/minting/kind.ts'
import { rsaKey, takes } from '../support/minting.ts'

const uuid = '5e1a9c7b-2d4f-4e6a-8b0c-1d3e5f7a9b0c'
const own = 'https://provider.example'

type Case = {
  readonly origin?: string
  readonly secret: string
  readonly bindings: Narrowing['bindings']
  readonly parameters: Readonly<Record<string, unknown>>
  /** All that may be asked, as `<method> <origin><target>`. */
  readonly asks: RegExp
}

const cases: Readonly<Record<string, Case>> = {
  github_app: {
    secret: rsaKey().pkcs1,
    bindings: [{ kind: 'repository', id: 'acme/app' }],
    parameters: { client_id: 'Iv23liStandIn', installation_id: '4321' },
    asks: /^(?:GET|POST|DELETE) https:\/\/provider\.example\/(?:app\/installations\/[0-9]+(?:\/access_tokens)?|installation\/token)$/,
  },
  aws_sts: {
    origin: 'https://amazonaws.com',
    secret: JSON.stringify({
      accessKeyId: 'AKIASTANDINKEYPAIR01',
      secretAccessKey: 'k'.repeat(40),
    }),
    bindings: [{ kind: 'account', id: '111111111111' }],
    parameters: {
      role_arn: 'arn:aws:iam::111111111111:role/staging',
      region: 'eu-west-1',
      external_id: 'external',
      policy_arns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
    },
    asks: /^POST https:\/\/sts\.[a-z0-9-]+\.amazonaws\.com\/$/,
  },
  gcp: {
    secret: JSON.stringify({
      type: 'service_account',
      client_email: 'a@b.iam.gserviceaccount.com',
      private_key: rsaKey().pkcs8,
      token_uri: 'https://evil.example/token',
    }),
    bindings: [{ kind: 'project', id: 'acme' }],
    parameters: {
      service_account: 'staging@acme.iam.gserviceaccount.com',
      scopes: ['https://www.googleapis.com/auth/compute'],
      delegates: ['middle@acme.iam.gserviceaccount.com'],
    },
    asks: /^POST https:\/\/(?:oauth2\.googleapis\.com\/token|iamcredentials\.googleapis\.com\/v1\/projects\/-\/serviceAccounts\/[a-z0-9-]+@acme\.iam\.gserviceaccount\.com:generateAccessToken)$/,
  },
  kubernetes: {
    secret: 'token-of-the-account-that-makes-tokens',
    bindings: [{ kind: 'namespace', id: 'staging' }],
    parameters: { namespace: 'staging', service_account: 'deployer', audiences: ['a'] },
    asks: /^POST https:\/\/provider\.example\/api\/v1\/namespaces\/staging\/serviceaccounts\/[a-z0-9-]+(?:\.[a-z0-9-]+)*\/token$/,
  },
  railway: {
    secret: 'rw_workspace_token_9f8Zq0T0k3n',
    bindings: [{ kind: 'environment', id: uuid }],
    parameters: { project_id: uuid, environment_id: uuid },
    asks: /^POST https:\/\/provider\.example\/graphql\/v2$/,
  },
}

const payloads = [
  '/',
  '/..',
  '/../../admin',
  '..',
  '%2e%2e%2f',
  '?x=1',
  '#',
  '@evil.example',
  '.evil.example',
  'x.evil.example/',
  'https://evil.example/',
  '\\',
  ':x',
  ';',
  '&Action=GetSessionToken',
  '"',
  '") { id } }',
  '\r\nhost: evil.example',
  '\n',
  '\0',
  ' ',
  '\u202e',
  '\uff0f',
  '{}',
  '*',
]

function* twisted(value: unknown): Generator {
  if (typeof value === 'string') {
    for (const payload of payloads) {
      yield payload
      yield `${value}${payload}`
      yield `${payload}${value}`
      yield `${value.slice(0, 3)}${payload}${value.slice(3)}`
    }
    yield [value]
    yield { toString: value }
  } else if (Array.isArray(value)) {
    for (const each of value as readonly unknown[]) for (const one of twisted(each)) yield [one]
  }
}

async function sentBy(
  kind: AnyMintKind,
  one: Case,
  parameters: unknown,
): Promise<readonly string[]> {
  const sent: string[] = []
  const good = {
    id: uuid,
    access_token: 'ya29.0123456789',
    data: { environment: { projectId: uuid }, projectTokenCreate: 'minted-token' },
    permissions: { contents: 'write' },
  }
  const exchange: Exchange = ({ method, origin, target, headers }) => {
    sent.push(`${method} ${origin}${target}`)
    for (const [name, value] of Object.entries(headers)) assert.doesNotMatch(name + value, /[\r\n]/)
    return Promise.resolve({ status: 200, text: JSON.stringify(good) })
  }
  const origin = one.origin ?? own
  const narrowing = { bindings: one.bindings, readOnly: false, seconds: 300 }
  const { secret } = one
  const input = {
    parameters: parameters as never,
    secret,
    origin,
    narrowing,
    exchange,
    now: Date.now(),
  }
  await kind.mint(input)
  for (const request of sent) {
    const { origin: to } = new URL(request.split(' ')[1] ?? '')
    assert.ok(kind.origins(parameters as never, origin).includes(to), request)
  }
  return sent
}

for (const [name, one] of Object.entries(cases))
  test(`${name}: no parameter leads its secret to another host or path`, async () => {
    const kind = mintKind(name)
    assert.ok(kind !== undefined)
    assert.ok(takes(kind, one.parameters))
    assert.equal(kind.complaint(one.parameters as never, one.secret), undefined)
    assert.ok((await sentBy(kind, one, one.parameters)).length > 0)
    let refused = 0
    for (const [member, value] of Object.entries(one.parameters))
      for (const twist of twisted(value)) {
        const parameters = { ...one.parameters, [member]: twist }
        if (
          !takes(kind, parameters) ||
          kind.complaint(parameters as never, one.secret) !== undefined
        ) {
          refused++
          continue
        }
        for (const request of await sentBy(kind, one, parameters))
          assert.match(request, one.asks, `${member}: ${JSON.stringify(twist)}`)
      }
    assert.ok(refused > 50, String(refused))
    assert.equal(takes(kind, { ...one.parameters, origin: 'https://evil.example' }), false)
  })
