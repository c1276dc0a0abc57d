/**
 * For every operation of every model, a request with all of its arguments, written here from the model by the rules of
 * its protocol: it is understood as exactly that operation, with those arguments, and forwarded equal in meaning.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../../src/core/operation.ts'
import type { Model, ModelReference } from '../../../src/provider/aws/model.ts'
import { findEntry } from '../../../src/provider/aws/catalogue.ts'
import { writeScalar } from '../../../src/provider/aws/scalar.ts'
import { identifyAws } from '../../../src/provider/aws/identify.ts'
import { modelOf, withoutModels } from './model.ts'
import { awsRequest, dynamo, form, identified } from './request.ts'

/** A value of a shape, all members of it, down to a depth. */
function valueOf(model: Model, name: string, depth = 0): JsonValue | undefined {
  const shape = model.shapes[name]
  if (shape === undefined || depth > 6) return undefined
  switch (shape.type) {
    case 'string':
    case 'blob':
      return 'Text'
    case 'integer':
    case 'long':
      return 7
    case 'double':
    case 'float':
      return 1.5
    case 'boolean':
      return true
    case 'timestamp':
      return model.metadata.protocol === 'json' ? 1700000000 : '2026-01-02T03:04:05Z'
    case 'list': {
      const one = valueOf(model, shape.member?.shape ?? '', depth + 1)
      return one === undefined ? undefined : [one, one]
    }
    case 'map': {
      const one = valueOf(model, shape.value?.shape ?? '', depth + 1)
      return one === undefined ? undefined : { first: one, second: one }
    }
    default: {
      const object: JsonObject = {}
      for (const [key, reference] of Object.entries(shape.members ?? {})) {
        const one = valueOf(model, reference.shape, depth + 1)
        if (one !== undefined) object[key] = one
      }
      return Object.keys(object).length === 0 ? undefined : object
    }
  }
}

/** The query protocol and EC2's, as botocore's serialisers describe them. */
function fieldsOf(
  model: Model,
  name: string,
  value: JsonValue,
  prefix: string,
): [string, string][] {
  const shape = model.shapes[name]
  const ec2 = model.metadata.protocol === 'ec2'
  const below = (reference: ModelReference | undefined, one: JsonValue, at: string) =>
    fieldsOf(model, reference?.shape ?? '', one, at)
  if (shape?.type === 'list') {
    const own = shape.member?.locationName ?? 'member'
    const between = ec2 || shape.flattened === true ? prefix : `${prefix}.${own}`
    return (value as JsonValue[]).flatMap((one, i) =>
      below(shape.member, one, `${between}.${i + 1}`),
    )
  }
  if (shape?.type === 'map') {
    return Object.entries(value as JsonObject).flatMap(([key, one], i) => [
      [`${prefix}.entry.${i + 1}.${shape.key?.locationName ?? 'key'}`, key],
      ...below(
        shape.value,
        one,
        `${prefix}.entry.${i + 1}.${shape.value?.locationName ?? 'value'}`,
      ),
    ])
  }
  if (shape?.type !== 'structure') return [[prefix, writeScalar(value)]]
  return Object.entries(value as JsonObject).flatMap(([key, one]) => {
    const reference = shape.members?.[key]
    const given = reference?.locationName
    const capital = given === undefined ? key : `${given[0]?.toUpperCase() ?? ''}${given.slice(1)}`
    const wire = ec2 ? (reference?.queryName ?? capital) : (given ?? key)
    return below(reference, one, prefix === '' ? wire : `${prefix}.${wire}`)
  })
}

function inputOf(model: Model, name: string): JsonObject {
  const input = model.operations[name]?.input?.shape
  return (input === undefined ? {} : (valueOf(model, input) ?? {})) as JsonObject
}

function formOf(model: Model, name: string): string {
  const input = model.operations[name]?.input?.shape
  const fields = input === undefined ? [] : fieldsOf(model, input, inputOf(model, name), '')
  return new URLSearchParams(fields).toString()
}

const pairs = (text: string) =>
  [...new URLSearchParams(text)].map(([a, b]) => `${a}=${b}`).toSorted()

describe('every operation', { skip: withoutModels }, () => {
  for (const service of ['ec2', 'rds', 'iam', 'sts'] as const) {
    it(`of ${service} is read from a form with all of its arguments`, () => {
      const model = modelOf(service)
      for (const name of Object.keys(model.operations)) {
        const sent = form(service, name, formOf(model, name))
        if (findEntry(`${service}/${name}`)?.denied === true) {
          assert.equal(identifyAws(sent).ok, false, name)
          continue
        }
        const { invocation, request } = identified(sent)
        assert.equal(invocation.operation, `${service}/${name}`)
        assert.deepEqual(invocation.arguments, inputOf(model, name), name)
        assert.deepEqual(pairs(request.body?.toString() ?? ''), pairs(sent.body.toString()), name)
      }
    })
  }

  it('of dynamodb is read from JSON with all of its arguments', () => {
    const model = modelOf('dynamodb')
    for (const name of Object.keys(model.operations)) {
      const args = inputOf(model, name)
      if (findEntry(`dynamodb/${name}`)?.denied === true) {
        assert.equal(identifyAws(dynamo(name, args)).ok, false, name)
        continue
      }
      const { invocation, request } = identified(dynamo(name, args))
      assert.equal(invocation.operation, `dynamodb/${name}`)
      assert.deepEqual(JSON.parse(request.body?.toString() ?? ''), args)
    }
  })

  it('of s3 is told by its path, query and headers with all of its arguments', () => {
    const model = modelOf('s3')
    for (const [name, operation] of Object.entries(model.operations)) {
      const input = model.shapes[operation.input?.shape ?? '']
      const payload = input?.payload
      const headers: Record<string, string> = {}
      const query = new URLSearchParams(operation.http.requestUri.split('?')[1] ?? '')
      for (const [key, { location, locationName = key, shape }] of Object.entries(
        input?.members ?? {},
      )) {
        const type = model.shapes[shape]?.type ?? ''
        const value =
          type === 'integer' || type === 'long'
            ? '7'
            : type === 'boolean'
              ? 'true'
              : '2026-01-02T03:04:05Z'
        if (location === 'querystring') query.set(locationName, value)
        if (location !== 'header') continue
        const wire = locationName.toLowerCase()
        headers[wire] =
          wire === 'x-amz-copy-source'
            ? 'acme-b/k'
            : wire === 'range'
              ? 'bytes=0-1'
              : wire === 'content-encoding'
                ? 'gzip'
                : value
      }
      const path = operation.http.requestUri.split('?')[0] ?? ''
      // A body is generated where it is no XML; what holds XML is tried without where it may be.
      const scalar =
        payload !== undefined &&
        model.shapes[input?.members?.[payload]?.shape ?? '']?.type !== 'structure'
      const result = identifyAws(
        awsRequest({
          service: 's3',
          method: operation.http.method,
          path: path.replace('{Bucket}', 'acme-a').replace('{Key+}', 'folder/key'),
          query: query.toString(),
          headers,
          body: scalar ? '{}' : '',
        }),
      )
      if (findEntry(`s3/${name}`)?.denied === true) {
        if (result.ok) assert.notEqual(result.invocations[0]?.operation, `s3/${name}`)
        continue
      }
      const needs = /s3\/(\w+) needs a body/.exec(result.ok ? '' : result.refusal.detail)?.[1]
      const understood = result.ok ? result.invocations[0]?.operation : `s3/${needs ?? ''}`
      assert.equal(understood, `s3/${name}`, result.ok ? '' : result.refusal.detail)
    }
  })
})

describe('a request that was changed on the way', { skip: withoutModels }, () => {
  it('is refused, or forwarded as exactly what was understood', () => {
    const model = modelOf('ec2')
    const names = [
      'RunInstances',
      'ModifyInstanceAttribute',
      'TerminateInstances',
      'DescribeInstances',
      'CreateTags',
    ]
    const bodies = names.map((name) =>
      form('ec2', name, formOf(model, name).slice(0, 3000)).body.toString(),
    )
    const piece = fc.oneof(
      fc.constantFrom(
        '&',
        '=',
        '.',
        '%',
        '+',
        ';',
        '1',
        '&Action=TerminateInstances',
        '&action=X',
        '%00',
        '%2E',
        '[]',
      ),
      fc.string({ maxLength: 3 }),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...bodies),
        fc.nat(),
        fc.nat({ max: 4 }),
        piece,
        (body, where, cut, text) => {
          const at = where % (body.length + 1)
          const mutated = body.slice(0, at) + text + body.slice(at + cut)
          const sent = awsRequest({
            service: 'ec2',
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: mutated,
          })
          const result = identifyAws(sent)
          if (!result.ok) return
          const rebuilt = result.request.body?.toString() ?? ''
          assert.deepEqual(pairs(rebuilt), pairs(mutated))
          const again = identifyAws({ ...sent, body: Buffer.from(rebuilt) })
          assert.deepEqual(again, result)
        },
      ),
      { numRuns: 1500 },
    )
  })
})
