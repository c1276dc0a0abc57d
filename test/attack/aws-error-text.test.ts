/** What an agent wrote comes back in a refusal: it must not end the element it stands in, nor speak to a terminal. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import * as fc from 'fast-check'
import { problemBody } from '../../src/problem.ts'
import { awsRefusal } from '../../src/provider/aws/refusal.ts'
import { childrenOf, parseXml, type Element } from '../../src/provider/aws/xml.ts'
import { authorization } from '../provider/aws/request.ts'

const services = ['ec2', 'iam', 'rds', 's3', 'sts', 'dynamodb']

function refusal(service: string, written: string): { problem: unknown; body: string } {
  const details = { detail: written, members: { argument: written, [written]: [written] } }
  const problem = problemBody('argument_forbidden', details, 'req_1')
  const answer = awsRefusal(problem, { authorization: authorization(service) })
  return { problem, body: answer?.body ?? '' }
}

/** The one `Error` of the document, and nothing beside it. */
function errorIn(service: string, body: string): Element {
  const root = parseXml(body)
  assert.ok(root !== undefined, body)
  const path = { ec2: ['Errors', 'Error'], s3: [] }[service] ?? ['Error']
  let element = root
  for (const name of path) {
    const [child, ...others] = childrenOf(element, name)
    assert.ok(child !== undefined && others.length === 0, body)
    element = child
  }
  assert.deepEqual(
    element.children.map(({ name }) => name).filter((name) => !/^(?:Type|RequestId)$/.test(name)),
    ['Code', 'Message', 'Problem'],
  )
  return element
}

function check(written: string): void {
  for (const service of services) {
    const { problem, body } = refusal(service, written)
    if (service === 'dynamodb') {
      assert.deepEqual((JSON.parse(body) as { problem: unknown }).problem, problem)
      continue
    }
    const error = errorIn(service, body)
    const text = (name: string) => childrenOf(error, name)[0]?.text ?? ''
    assert.equal(text('Code'), 'Valetkey.argument_forbidden')
    assert.doesNotMatch(body.slice(body.indexOf('\n') + 1), /[\p{Cc}\p{Bidi_Control}]/u)
    assert.deepEqual(JSON.parse(text('Problem')), problem, 'the problem is whole')
  }
}

const written = [
  '</Message><Code>Throttling</Code><Message>',
  '</Message></Error><Error><Code>Throttling</Code>',
  ']]><![CDATA[',
  '<!DOCTYPE x [<!ENTITY a "b">]>&a;',
  '&lt;Code&gt; &#60; &amp;amp; " \' \\ \\u003c',
  '\u0000\u0008\u001b[2J\r\n\t\u007f\u009b31m',
  '\u202egpj.exe\u2066 \u200b\ufeff \u2028\u2029 \ufffe\uffff',
  '\u{e0041}\u{1f511} ü ’',
]

for (const each of written)
  it(`one element stays one element: ${JSON.stringify(each)}`, () => check(each))

it('and for any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.constantFrom(...written), (a, b) => {
      check(a + b)
      check(a)
    }),
  )
})
