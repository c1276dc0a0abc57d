import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { awsAdapter } from '../../src/provider/aws/adapter.ts'
import { githubAdapter } from '../../src/provider/github/adapter.ts'
import { outgoing, secretTexts, type Outgoing } from '../../src/proxy/outgoing.ts'
import { createScrubber } from '../../src/proxy/scrub.ts'
import { SecretText } from '../../src/vault/secret-text.ts'
import { form, identified } from '../provider/aws/request.ts'

const keys = {
  accessKeyId: 'AKIASTANDINKEYPAIR01',
  secretAccessKey: 'c3RhbmQtaW4tc2VjcmV0LWtleS1vZi10aGUtdGVzdHM=',
  sessionToken: 'FwoGZXIvYXdzEXAMPLETOKEN',
}
const secret = () => SecretText.of(JSON.stringify(keys))
const now = Date.UTC(2026, 0, 2, 3, 4, 5)
const { request } = identified(form('ec2', 'DescribeInstances'))

function leaving(...given: Parameters<typeof outgoing>): Extract<Outgoing, { ok: true }> {
  const made = outgoing(...given)
  assert.ok(made.ok)
  return made
}

describe('outgoing', () => {
  it('signs for the host of the service, and for the declared upstream where there is one', () => {
    const adapter = awsAdapter()
    const own = leaving(
      adapter,
      request,
      { style: 'aws4', origin: 'https://amazonaws.com' },
      secret(),
      now,
    )
    assert.equal(own.origin, 'https://ec2.eu-west-1.amazonaws.com')
    const declared = leaving(
      adapter,
      request,
      { style: 'aws4', origin: 'http://127.0.0.1:9' },
      secret(),
      now,
    )
    assert.equal(declared.origin, 'http://127.0.0.1:9')
    assert.notEqual(own.request.headers['authorization'], declared.request.headers['authorization'])
  })

  it('lets neither secret part travel', () => {
    const sent = leaving(
      awsAdapter(),
      request,
      { style: 'aws4', origin: 'https://amazonaws.com' },
      secret(),
      now,
    )
    const text = JSON.stringify(sent)
    assert.ok(!text.includes(keys.secretAccessKey))
    assert.equal(sent.request.headers['x-amz-security-token'], keys.sessionToken)
  })

  it('sends nothing with a credential that is no key pair', () => {
    const credential = { style: 'aws4', origin: 'https://amazonaws.com' }
    assert.deepEqual(
      outgoing(awsAdapter(), request, credential, SecretText.of('ghp_secret'), now),
      { ok: false, why: 'malformed' },
    )
  })

  it('sends nothing with a key pair of another partition, and says so apart', () => {
    const credential = { style: 'aws4', origin: 'https://amazonaws.com.cn' }
    const made = outgoing(awsAdapter(), request, credential, secret(), now)
    assert.deepEqual(made, { ok: false, why: 'pinned_elsewhere' })
  })

  it('puts a token where its style says', () => {
    const plain = { method: 'GET', target: '/user', headers: {}, body: undefined }
    const credential = { style: 'bearer', origin: 'https://api.github.com' }
    const sent = leaving(githubAdapter(), plain, credential, SecretText.of('ghp_secret'), now)
    assert.equal(sent.request.headers['authorization'], 'Bearer ghp_secret')
    assert.equal(sent.origin, 'https://api.github.com')
  })
})

describe('secretTexts', () => {
  it('is every part of a key pair, so that each is taken out of answers', () => {
    const scrubber = createScrubber(secretTexts(secret()))
    for (const part of Object.values(keys))
      assert.equal(
        scrubber.body(Buffer.from(`<Key>${part}</Key>`)).toString(),
        '<Key>[redacted]</Key>',
      )
  })

  it('leaves the names of the parts, which are also those of elements in answers', () => {
    const answer = Buffer.from('<SecretAccessKey/><AccessKeyId/><SessionToken/>')
    assert.equal(createScrubber(secretTexts(secret())).body(answer), answer)
  })

  it('is the token itself where it is one', () => {
    assert.deepEqual(secretTexts(SecretText.of('ghp_secret')), ['ghp_secret'])
  })
})
