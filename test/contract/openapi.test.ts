import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { openapiYaml } from '../../src/openapi.ts'
import { openTestBroker } from '../support/broker.ts'

test('openapi.yaml is what the schemas beside the routes say', async (t) => {
  const { broker } = await openTestBroker(t)
  const committed = readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8')
  const written = openapiYaml(broker.app)
  assert.ok(committed === written, 'openapi.yaml is out of date: run npm run openapi')

  const document = parse(written) as {
    paths: Record<
      string,
      Record<string, { operationId?: string; summary?: string; responses: Record<string, unknown> }>
    >
  }
  const names = new Set<string>()
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      assert.ok(operation.operationId !== undefined, `${method} ${path} has no operationId`)
      assert.ok(operation.summary !== undefined, `${method} ${path} has no summary`)
      assert.ok(!names.has(operation.operationId), `${operation.operationId} is there twice`)
      names.add(operation.operationId)
      assert.ok('default' in operation.responses, `${method} ${path} declares no problem`)
    }
  }
})
