import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openaiAdapter } from '../../../src/provider/openai/adapter.ts'
import { betasOf, describe } from '../../../src/provider/openai/compile.ts'
import { reviewOf } from '../../../src/provider/openai/review.ts'
import { compileCatalogue, explain, serialise } from '../../../src/provider/compile/compile.ts'
import { verbOf } from '../../support/rest-request.ts'

const adapter = openaiAdapter()
const description = new URL('../../../../shared/specs/openai-openapi.json', import.meta.url)
const skip = existsSync(description) ? false : 'the description is not here'

test('the catalogue is what the description and the review compile to', { skip }, () => {
  const document = JSON.parse(readFileSync(description, 'utf8')) as {
    paths: Record<string, Record<string, unknown>>
  }
  const methods = new Set(['get', 'put', 'post', 'delete', 'patch', 'head', 'options', 'trace'])
  const described = describe(document)
  const review = reviewOf(described, betasOf(described))
  const committed = readFileSync(
    new URL('../../../src/provider/openai/catalogue.json', import.meta.url),
    'utf8',
  )
  const count = Object.values(document.paths)
    .flatMap((item) => Object.keys(item))
    .filter((method) => methods.has(method)).length
  assert.equal([...adapter.operations()].length, count)
  assert.ok(committed === serialise(compileCatalogue(described, review)), 'compile it anew')
  const unreviewed = explain(described, review).filter((one) => one.unreviewed !== undefined)
  assert.deepEqual(
    unreviewed.map((one) => one.operation.name),
    [],
  )
})

test('every operation is there, and the organisation’s and the projects’ are of the account', () => {
  const { operations } = JSON.parse(
    readFileSync(new URL('../../../src/provider/openai/catalogue.json', import.meta.url), 'utf8'),
  ) as { operations: { path: string; scope: string; denied?: string }[] }
  assert.equal(operations.length, 288)
  for (const { path, scope, denied } of operations) {
    const account = /^\/v1\/(?:organization|projects)\//.test(path)
    assert.equal(scope, account ? 'account' : 'environment', path)
    assert.equal(denied, undefined, path)
  }
})

const expected: Readonly<Record<string, string>> = {
  listModels: 'read',
  Getinputtokencounts: 'read',
  createResponse: 'write',
  createChatCompletion: 'write',
  createEmbedding: 'write',
  createFile: 'write',
  createBatch: 'write',
  cancelBatch: 'write destructive',
  deleteFile: 'write destructive',
  deleteVectorStore: 'write destructive',
  deleteModel: 'write destructive',
  deleteResponse: 'write destructive',
  cancelFineTuningJob: 'write destructive',
  createFineTuningCheckpointPermission: 'write admin',
  'create-realtime-client-secret': 'write secret',
  CreateChatSessionMethod: 'write secret',
  'admin-api-keys-create': 'write secret admin',
  'list-project-api-keys': 'read secret',
  'modify-user': 'write admin',
}

test('well-known operations have the effects that they have', () => {
  for (const [name, effects] of Object.entries(expected)) {
    const found = adapter.find(name)
    assert.ok(found !== undefined && found !== 'ambiguous', name)
    assert.equal(found.effects.join(' '), effects, name)
  }
})

test('a beta is the operation that it is a beta of', () => {
  assert.equal(
    verbOf(adapter, { line: 'POST /v1/responses?beta=true', json: { multi_agent: {} } }),
    'createResponse',
  )
  assert.ok(adapter.find('beta_createResponse') !== undefined)
})

test('nothing is taken out of an answer that may be a stream of events', () => {
  for (const operation of [
    'createResponse',
    'getResponse',
    'createChatCompletion',
    'createCompletion',
    'createRun',
    'createThreadAndRun',
    'submitToolOuputsToRun',
    'createTranscription',
    'createSpeech',
    'createImage',
    'createImageEdit',
  ]) {
    const invocation = {
      operation,
      effects: ['write'],
      added: [],
      scope: 'environment',
      arguments: {},
      resources: [],
      widens: [],
    } as const
    assert.ok(adapter.find(operation) !== undefined, operation)
    assert.equal(adapter.revealed?.(invocation), undefined, operation)
  }
})
