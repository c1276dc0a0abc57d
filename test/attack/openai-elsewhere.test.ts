/**
 * Ways to make OpenAI act elsewhere in our name, or as somebody else: another project by a header, a server, a connector
 * and a credential for it in the body, an approval that the agent gives itself, requests in a file that nobody read.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openaiAdapter } from '../../src/provider/openai/adapter.ts'
import { identifyLine, invocationOf, verbOf } from '../support/rest-request.ts'

const adapter = openaiAdapter()
const line = 'POST /v1/responses'

test('no header names another organisation or project', () => {
  for (const name of ['openai-organization', 'openai-project']) {
    const verb = verbOf(adapter, { line: 'GET /v1/models', headers: { [name]: 'x' } })
    assert.match(verb, /^refused: .*would change who acts/, name)
  }
  const odd = { line: 'GET /v1/models', headers: { 'openai-beta': 'a b\tc' } }
  assert.match(verbOf(adapter, odd), /^refused/)
  const good = { line: 'GET /v1/models', headers: { 'openai-beta': 'assistants=v2, realtime=v1' } }
  assert.equal(verbOf(adapter, good), 'listModels')
})

test('a credential for another server in a body is never forwarded', () => {
  const mcp = { type: 'mcp', server_label: 'x', server_url: 'https://x.example' }
  const container = { network_policy: { domain_secrets: [{ name: 'A', value: 'ghp_1' }] } }
  const bodies: readonly [string, unknown][] = [
    [line, { tools: [{ ...mcp, authorization: 'ghp_1' }] }],
    [line, { tools: [{ ...mcp, headers: { Authorization: 'Bearer ghp_1' } }] }],
    [line, { tools: { '0': { ...mcp, authorization: 'ghp_1' } } }],
    [`${line}?beta=true`, { tools: [{ ...mcp, authorization: 'ghp_1' }] }],
    [line, { tools: [{ type: 'shell', environment: container }] }],
    ['POST /v1/containers', { name: 'c', ...container }],
    ['POST /v1/realtime/calls/c/accept', { tools: [{ ...mcp, authorization: 'ghp_1' }] }],
  ]
  for (const [at, json] of bodies) {
    const { widens } = invocationOf(identifyLine(adapter, { line: at, json }))
    assert.ok(widens.length > 0, JSON.stringify(json))
  }
  const plain = { tools: [{ ...mcp, authorization: null, headers: {} }] }
  assert.deepEqual(invocationOf(identifyLine(adapter, { line, json: plain })).widens, [])
})

test('servers, connectors, networks and answers in a person’s place need more than the operation', () => {
  const plain = { model: 'm', tools: [{ type: 'web_search' }, { type: 'function', name: 'f' }] }
  assert.equal(verbOf(adapter, { line, json: plain }), 'createResponse')
  for (const json of [
    { tools: [{ type: 'mcp', server_url: 'https://x.example' }] },
    { tools: [{ type: 'mcp', connector_id: 'connector_gmail' }] },
    { tools: [{ connector_id: 'connector_gmail' }] },
    { tools: { x: { type: 'mcp' } } },
    { tools: [{ type: 'code_interpreter', container: { network_policy: { type: 'allowlist' } } }] },
    { input: [{ type: 'mcp_approval_response', approve: true }] },
  ])
    assert.equal(verbOf(adapter, { line, json }), 'createResponse+admin', JSON.stringify(json))
  assert.equal(
    verbOf(adapter, {
      line: 'POST /v1/conversations/c/items',
      json: { items: [{ type: 'mcp_approval_response', approve: true }] },
    }),
    'createConversationItems+admin',
  )
})

test('a file of requests is run only where none of them can act elsewhere', () => {
  const batch = (endpoint: unknown) =>
    verbOf(adapter, { line: 'POST /v1/batches', json: { input_file_id: 'f', endpoint } })
  assert.equal(batch('/v1/embeddings'), 'createBatch')
  for (const endpoint of ['/v1/responses', '/v1/Responses', '/v1/new', ['/v1/embeddings'], null])
    assert.equal(batch(endpoint), 'createBatch+admin', JSON.stringify(endpoint))
})

test('an upload is marked as unread, and no other body passes unread', () => {
  const upload = (at: string) =>
    identifyLine(adapter, {
      line: at,
      form: '--x--',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    })
  assert.equal(invocationOf(upload('POST /v1/files')).opaque, true)
  for (const at of [line, 'POST /v1/chat/completions', 'POST /v1/batches'])
    assert.ok(!upload(at).ok, at)
})

test('a session that comes as a part of an unread form may name any server, so it needs more', () => {
  const boundary = 'b1'
  const session = JSON.stringify({
    type: 'realtime',
    tools: [{ type: 'mcp', server_url: 'https://x' }],
  })
  const form = ['sdp', 'session']
    .map(
      (name) =>
        `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${session}\r\n`,
    )
    .join('')
  const verb = verbOf(adapter, {
    line: 'POST /v1/realtime/calls',
    form: `${form}--${boundary}--\r\n`,
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  })
  assert.equal(verb, 'create-realtime-call+admin')
})
