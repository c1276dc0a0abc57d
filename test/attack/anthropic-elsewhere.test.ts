/**
 * Ways to make Anthropic act elsewhere in our name, or as somebody else: another workspace by a header, a server and a
 * credential for it in the body, the keys of a vault, any page by a tool.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anthropicAdapter } from '../../src/provider/anthropic/adapter.ts'
import { identifyLine, invocationOf, verbOf } from '../support/rest-request.ts'

const adapter = anthropicAdapter()
const line = 'POST /v1/messages?beta=true'
const create = 'beta.messages.messages.create'
const remote = { type: 'url', name: 'x', url: 'https://x.example' }

function widensOf(json: unknown, at = line): readonly string[] {
  return invocationOf(identifyLine(adapter, { line: at, json })).widens
}

test('no header names another workspace, organisation or person', () => {
  for (const name of [
    'anthropic-workspace-id',
    'anthropic-organization-id',
    'anthropic-user-profile-id',
  ]) {
    const verb = verbOf(adapter, { line: 'GET /v1/models', headers: { [name]: 'x' } })
    assert.match(verb, /^refused: .*would change who acts/, name)
  }
})

test('headers that mean something come in their own shape only', () => {
  const odd = {
    'anthropic-version': ['latest', '2023-06-01, 2099-01-01'],
    'anthropic-beta': ['a b', 'a,,b', 'a\tb', 'x'.repeat(200), 'ä'],
  }
  for (const [name, values] of Object.entries(odd)) {
    for (const value of values) {
      const wish = { line: 'GET /v1/models', headers: { [name]: value } }
      assert.match(verbOf(adapter, wish), /^refused/, value)
    }
  }
  const good = { 'anthropic-version': '2023-06-01', 'anthropic-beta': 'mcp-client-2025-04-04,a-1' }
  assert.equal(verbOf(adapter, { line: 'GET /v1/models', headers: good }), 'models.list')
})

test('a credential for another server in a body is never forwarded', () => {
  const withToken = { ...remote, authorization_token: 'ghp_1' }
  assert.equal(widensOf({ mcp_servers: [withToken] }).length, 1)
  assert.equal(widensOf({ mcp_servers: { '0': withToken } }).length, 1)
  assert.equal(widensOf({ mcp_servers: [{ ...remote, authorization_token: null }] }).length, 0)
  const batch = { requests: [{ custom_id: 'a', params: { mcp_servers: [withToken] } }] }
  assert.equal(widensOf(batch, 'POST /v1/messages/batches').length, 1)
  const repository = { resources: [{ type: 'github_repository', authorization_token: 'ghp_1' }] }
  assert.equal(widensOf(repository, 'POST /v1/sessions').length, 1)
})

test('servers, vaults and pages that a request names need more than the operation', () => {
  const plain = { model: 'm', tools: [{ type: 'web_search_20250305', name: 'web_search' }] }
  assert.equal(verbOf(adapter, { line, json: plain }), create)
  assert.equal(verbOf(adapter, { line, json: { mcp_servers: [] } }), create)
  for (const json of [
    { mcp_servers: [remote] },
    { mcp_servers: { x: remote } },
    { mcp_servers: 'https://x.example' },
    { tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }] },
    { tools: [{ type: 'custom' }, { type: 'web_fetch_20250910' }] },
  ])
    assert.equal(verbOf(adapter, { line, json }), `${create}+admin`, JSON.stringify(json))
  const batch = { requests: [{ custom_id: 'a', params: { mcp_servers: [remote] } }] }
  assert.equal(
    verbOf(adapter, { line: 'POST /v1/messages/batches', json: batch }),
    'beta.messages.batches.create+admin',
  )
  assert.equal(
    verbOf(adapter, { line: 'POST /v1/sessions', json: { agent: 'a', vault_ids: ['v'] } }),
    'beta.sessions.sessions.create+admin',
  )
  assert.equal(
    verbOf(adapter, {
      line: 'POST /v1/sessions/s/events',
      json: { events: [{ type: 'user.tool_confirmation', result: 'allow' }] },
    }),
    'beta.sessions.events.send+admin',
  )
})

test('an upload has one boundary, is marked as unread, and is taken where a file is expected only', () => {
  const upload = (type: string, at = 'POST /v1/files') =>
    identifyLine(adapter, { line: at, form: '--x--', headers: { 'content-type': type } })
  const good = upload('multipart/form-data; boundary=x')
  assert.ok(good.ok)
  assert.equal(invocationOf(good).opaque, true)
  assert.equal(good.request.headers['content-type'], 'multipart/form-data; boundary=x')
  for (const type of [
    'multipart/form-data',
    'multipart/form-data; boundary=x; boundary=y',
    'multipart/form-data; boundary="x y"',
    'multipart/form-data; charset=utf-7; boundary=x',
    'multipart/mixed; boundary=x',
    `multipart/form-data; boundary=${'x'.repeat(71)}`,
    'application/octet-stream',
  ])
    assert.ok(!upload(type).ok, type)
  assert.ok(!upload('multipart/form-data; boundary=x', 'POST /v1/messages').ok)
})
