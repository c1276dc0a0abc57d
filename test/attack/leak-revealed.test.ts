/**
 * An answer that shows a credential by the way, in a form that the agent chose so that it is overlooked: another media
 * type, another spelling, a part of the whole, or one that breaks off.
 */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import zlib from 'node:zlib'
import { openDeliveryStage } from '../support/delivery.ts'

const canary = 'ABTLWHOULUVAXGTRYU7OC2876QJ2O'
const redaction = { minted: [], revealed: [['temp_clone_token'], ['*', 'temp_clone_token']] }
const object = `{"id":1,"temp_clone_token":"${canary}"}`
const escaped = Array.from(
  'temp_clone_token',
  (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
).join('')
const filler = 'x'.repeat(100_000)

type Form = (response: ServerResponse) => void
const plain =
  (body: string | Buffer, type = 'application/json', status = 200): Form =>
  (response) => {
    response.writeHead(status, { 'content-type': type })
    response.end(body)
  }

/** What the agent gets of each: the object without the field, or nothing. */
const redactedForms: Record<string, Form> = {
  'as it is': plain(object),
  'with its key escaped': plain(object.replace('temp_clone_token', escaped)),
  'with a part of its key escaped': plain(object.replace('clone', 'cl\\u006Fne')),
  'twice, first and last': plain(object.replace('{', `{"temp_clone_token":"${canary}",`)),
  'wrapped in an object': plain(object.replace(`"${canary}"`, `{"value":["${canary}"]}`)),
  'in a list of lists': plain(`[[${object}]]`),
  'behind blanks': plain(`\r\n\t ${object}`),
  'behind a nested object with the same key': plain(object.replace('{', '{"a":{"b":{"id":1}},')),
  'called text': plain(object, 'text/plain'),
  'called HTML': plain(object, 'text/html'),
  'called a diff': plain(object, 'application/vnd.github.diff'),
  'called raw': plain(object, 'application/vnd.github.v3.raw; charset=utf-8'),
  'without a type': (response) => response.end(object),
  'in an error': plain(object, 'application/json', 422),
  'in a redirect called HTML': plain(object, 'text/html', 301),
  compressed: (response) => {
    response.setHeader('content-encoding', 'gzip')
    response.end(zlib.gzipSync(object))
  },
  'in pieces': (response) => {
    const bytes = Buffer.from(object)
    const next = (at: number): void => {
      if (at === bytes.length) response.end()
      else response.write(bytes.subarray(at, at + 1), () => setImmediate(next, at + 1))
    }
    next(0)
  },
  'far into a large answer': plain(`{"fill":"${filler}","temp_clone_token":"${canary}"}`),
}

const withheldForms: Record<string, Form> = {
  'behind a byte order mark': plain(`\ufeff${object}`),
  'behind a byte order mark in an error': plain(`\ufeff${object}`, 'text/plain', 400),
  'in UTF-16': plain(Buffer.from(object, 'utf16le')),
  'in UTF-16 called a patch': plain(Buffer.from(`\ufeff${object}`, 'utf16le'), 'text/x-patch'),
  'in big-endian UTF-16 in an error': plain(Buffer.from(object, 'utf16le').swap16(), 'a/b', 500),
  'in a call': plain(`callback(${object})`, 'application/javascript'),
  'behind a guard against inclusion': plain(`)]}'\n${object}`),
  'as an event': plain(`data: ${object}\n\n`, 'text/event-stream'),
  'in XML': plain(`<temp_clone_token>${canary}</temp_clone_token>`, 'application/xml'),
  'in YAML': plain(`temp_clone_token: ${canary}`, 'application/yaml'),
  'in a form': plain(`id=1&temp_clone_token=${canary}`, 'application/x-www-form-urlencoded'),
  'behind another value': plain(`{"id":1}\n${object}`, 'application/x-ndjson'),
  'with single quotes': plain(object.replaceAll('"', "'")),
  'with a bare key': plain(object.replace('"temp_clone_token"', 'temp_clone_token')),
  'behind a comment': plain(object.replace('{', '{/* " */')),
  'behind a trailing comma': plain(object.replace('}', ',}')),
  'behind a raw line break in a string': plain(object.replace('{', '{"a":"\n",')),
  'under more lists than are read': plain(`${'['.repeat(300)}${object}${']'.repeat(300)}`),
  'in a part of the answer': plain(object, 'application/json', 206),
  'in a part that begins behind the key': plain(`"${canary}"}`, 'application/json', 206),
  'in an answer that breaks off': (response) => {
    response.writeHead(200, { 'content-length': object.length + 10 })
    response.write(object, () => response.destroy())
  },
  'behind what is not JSON, late': plain(`{"fill":"${filler}",x,"temp_clone_token":"${canary}"}`),
}

for (const [name, form] of Object.entries(redactedForms)) {
  test(`the field is redacted ${name}`, async (t) => {
    const stage = await openDeliveryStage(t)
    const { body, answer } = await stage.exchange((_request, response) => form(response), redaction)
    const text = body?.toString() ?? ''
    assert.ok(text.includes('"[redacted]"') && !text.includes(canary), text.slice(-200))
    assert.notEqual(answer?.headers.get('valetkey-redacted') ?? null, null)
    assert.doesNotThrow(() => JSON.parse(text) as unknown)
  })
}

for (const [name, form] of Object.entries(withheldForms)) {
  test(`the answer is withheld ${name}`, async (t) => {
    const stage = await openDeliveryStage(t)
    const { body, seen, delivered } = await stage.exchange(
      (_request, response) => form(response),
      redaction,
    )
    assert.equal(body, undefined)
    assert.ok(!seen.includes(canary))
    assert.ok(!seen.includes(Buffer.from(canary, 'utf16le').subarray(1, -1)))
    assert.notEqual(delivered.outcome.result, 'completed')
  })
}
