import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchangeWithin, ForbiddenExchange } from '../../src/minting/exchange.ts'

const credential = { provider: 'kubernetes', origin: 'http://127.0.0.1:1' }

function world(allowed: readonly string[]) {
  const sent: string[] = []
  const exchange = exchangeWithin(credential, allowed, (_, request) => {
    sent.push(request.origin)
    return Promise.resolve({ status: 200, text: '' })
  })
  const ask = (origin: string, target = '/') =>
    exchange({ origin, target, method: 'POST', headers: {} })
  return { sent, ask }
}

test('a kind asks the origins that its parameters name, and where the credential itself goes', async () => {
  const { sent, ask } = world(['https://login.example', credential.origin])
  await ask('https://login.example')
  await ask(credential.origin)
  assert.deepEqual(sent, ['https://login.example', credential.origin])
})

test('it asks nobody else, nothing in the clear, and nothing in another spelling', async () => {
  const named = [
    'https://login.example',
    'http://login.example',
    'https://login.example/',
    'https://u@login.example',
    'https://LOGIN.example',
    'ftp://login.example',
  ]
  const { sent, ask } = world(named)
  for (const origin of [...named.slice(1), 'https://evil.example', credential.origin, ''])
    await assert.rejects(ask(origin), ForbiddenExchange, origin)
  await assert.rejects(ask('https://login.example', 'https://evil.example/'), ForbiddenExchange)
  assert.deepEqual(sent, [])
})

test('it asks a bounded number of times', async () => {
  const { sent, ask } = world(['https://login.example'])
  for (let i = 0; i < 12; i++) await ask('https://login.example')
  await assert.rejects(ask('https://login.example'), ForbiddenExchange)
  assert.equal(sent.length, 12)
})
