/** The provider hands the credential back in a header field, or one that acts on the broker's own origin. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerHeaders } from '../../src/proxy/headers.ts'
import { createScrubber, redacted } from '../../src/proxy/scrub.ts'

const token = 'mock_PAT-8sT3kQ9vLx2ZrB7nWd4YpGhE6uJcM1aF'
const scrubber = createScrubber(token)
const scrub = (text: string) => scrubber.header(text)

const noLinks = () => undefined

test('the token is taken out of every value', () => {
  const { headers } = answerHeaders(
    [
      ['Content-Disposition', `attachment; filename="${token}"`],
      ['Via', `1.1 ${Buffer.from(token).toString('hex')}`],
      ['Location', `https://elsewhere.example/?t=${encodeURIComponent(token)}&x=1`],
      ['X-Debug', `Basic ${Buffer.from(`u:${token}`).toString('base64')}`],
      ['Content-Type', `text/plain; x=${token}`],
    ].flat(),
    scrub,
    noLinks,
  )
  const passed = [
    ['Content-Disposition', `attachment; filename="${redacted}"`],
    ['Via', `1.1 ${redacted}`],
    ['Location', `https://elsewhere.example/?t=${redacted}&x=1`],
  ]
  assert.deepEqual(headers.slice(0, 6), passed.flat())
  assert.ok(headers[7]?.includes(redacted))
  assert.equal(headers[9], `text/plain; x=${redacted}`)
})

test('a field whose name holds the token is dropped', () => {
  for (const name of [
    `x-${token}`,
    `x-${token.toLowerCase()}`,
    `x-${Buffer.from(token).toString('hex')}`,
  ]) {
    assert.deepEqual(answerHeaders([name, '1', 'x-a', '2'], scrub, noLinks).headers, ['x-a', '2'])
  }
})

test('what belongs to the connection is dropped, and what Connection names, but not what the answer is read by', () => {
  const { headers } = answerHeaders(
    [
      ['Connection', 'close, x-secret, content-type'],
      ['connection', 'X-Other , Date'],
      ['Keep-Alive', 'timeout=1'],
      ['Proxy-Connection', 'x'],
      ['Proxy-Authenticate', 'Basic'],
      ['X-Secret', '1'],
      ['X-OTHER', '1'],
      ['Transfer-Encoding', 'chunked'],
      ['Trailer', 'X-A'],
      ['TE', 'trailers'],
      ['Upgrade', 'h2c'],
      ['Content-Type', 'a/b'],
      ['Date', 'd'],
    ].flat(),
    scrub,
    noLinks,
  )
  assert.deepEqual(headers, ['Content-Type', 'a/b', 'Date', 'd'])
})

test('what would act on our own origin, or is the provider’s session, or speaks in our name, is dropped', () => {
  for (const name of [
    'Set-Cookie',
    'Access-Control-Allow-Origin',
    'access-control-allow-credentials',
    'Alt-Svc',
    'Clear-Site-Data',
    'Strict-Transport-Security',
    'WWW-Authenticate',
    'Content-Security-Policy',
    'Report-To',
    'Valetkey-Decision',
    'valetkey-anything',
    'X-Accel-Redirect',
    'X-Sendfile',
  ]) {
    assert.deepEqual(
      answerHeaders([name, 'x', 'x-a', '1'], scrub, noLinks).headers,
      ['x-a', '1'],
      name,
    )
  }
})

test('a value that cannot be written to the agent is dropped', () => {
  const raw = ['x-a', 'a\r\nset-cookie: b', 'x-b', 'a\0', 'x-c', '\u0100', 'x-d', '\xe9\tok']
  assert.deepEqual(answerHeaders(raw, scrub, noLinks).headers, ['x-d', '\xe9\tok'])
})
