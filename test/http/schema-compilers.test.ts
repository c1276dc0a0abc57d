import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import type { FastifyInstance, RouteOptions } from 'fastify'
import Type from 'typebox'
import {
  compiledSerializer,
  compiledValidator,
  serializerCompiler,
  validatorCompiler,
} from '../../src/http/schema-compilers.ts'
import { Problem, ProblemRef } from '../../src/http/schemas.ts'
import { openTestBroker } from '../support/broker.ts'

const route = { method: 'GET', url: '/' }

/** The schemas of an answer: one, or one for each media type. */
function written(answer: object): object[] {
  if (!('content' in answer)) return [answer]
  return Object.values(answer.content as Record<string, { schema: object }>).map(
    ({ schema }) => schema,
  )
}

test('the schemas of every route compile, although none is compiled before it is needed', async (t) => {
  const routes: RouteOptions[] = []
  const opened = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', (options) => void routes.push(options))
  }
  subscribe('fastify.initialization', opened)
  t.after(() => unsubscribe('fastify.initialization', opened))
  await openTestBroker(t)
  let count = 0
  for (const { method, url, schema } of routes) {
    const name = `${String(method)} ${url}`
    // Fastify writes the names of header fields in lower case only for compilers of its own.
    assert.equal(schema?.headers, undefined, name)
    for (const part of [schema?.body, schema?.querystring, schema?.params]) {
      if (typeof part !== 'object' || part === null) continue
      assert.doesNotThrow(() => compiledValidator(part), name)
      count++
    }
    for (const answer of Object.values((schema?.response ?? {}) as Record<string, object>)) {
      for (const each of written(answer)) {
        assert.doesNotThrow(() => compiledSerializer(each), name)
        count++
      }
    }
  }
  assert.ok(count > 200, String(count))
})

test('a schema is compiled once, and says what is wrong each time', () => {
  const schema = Type.Object({ a: Type.Integer() }, { additionalProperties: false })
  const validate = validatorCompiler({ ...route, schema })
  assert.equal(validatorCompiler({ ...route, schema }), validate)
  assert.equal(validate({ a: '1' }), false)
  assert.equal(validate.errors?.[0]?.keyword, 'type')
  assert.equal(validate({ a: 1, b: 2 }), false)
  assert.equal(validate.errors?.[0]?.keyword, 'additionalProperties')
  assert.equal(validate({ a: 1 }), true)
  assert.equal(validate.errors, null)
})

test('a reference is resolved also after what it refers to was compiled for itself', () => {
  const problem = { type: 't', title: 't', status: 403, code: 'frozen', detail: 'd' }
  const itself = serializerCompiler({ ...route, schema: Problem })
  assert.equal(itself(problem), JSON.stringify(problem))
  const other = Type.Object({ problem: ProblemRef })
  const referring = serializerCompiler({ ...route, schema: other })
  assert.equal(serializerCompiler({ ...route, schema: other }), referring)
  assert.equal(referring({ problem }), JSON.stringify({ problem }))
})

test('a schema that does not compile lets nothing pass', () => {
  const schema = { type: 'object', required: 'a' }
  const validate = validatorCompiler({ ...route, schema })
  assert.throws(() => validate({}))
  assert.throws(() => validate({}))
})
