/** XML that S3 would read differently from us, or that costs more to read than to send. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parseXml } from '../../src/provider/aws/xml.ts'
import { identified, refused, s3 } from '../provider/aws/request.ts'

const remove = (body: string | Buffer) => s3('POST', '/acme-a?delete', {}, body)
const one = '<Object><Key>a</Key></Object>'

it('refuses what only some readers understand', () => {
  for (const body of [
    `<!DOCTYPE Delete [<!ENTITY k "prod">]><Delete><Object><Key>&k;</Key></Object></Delete>`,
    `<!DOCTYPE Delete SYSTEM "file:///etc/passwd"><Delete>${one}</Delete>`,
    `<Delete><Object><Key>&k;</Key></Object></Delete>`,
    `<Delete><Object><Key><![CDATA[a]]></Key></Object></Delete>`,
    `<Delete><!-- ${one} -->${one}</Delete>`,
    `<Delete><?pi ?>${one}</Delete>`,
    `<?xml version="1.1"?><Delete>${one}</Delete>`,
    `<?xml version="1.0" encoding="UTF-16"?><Delete>${one}</Delete>`,
    Buffer.from(`\ufeff<Delete>${one}</Delete>`, 'utf16le'),
    Buffer.from(`<Delete><Object><Key>\xff</Key></Object></Delete>`, 'latin1'),
    `\ufeff<Delete>${one}</Delete>`,
    `<Delete>${one}</Delete><Delete>${one}</Delete>`,
    `<Delete>${one}</Delete>x`,
    `x<Delete>${one}</Delete>`,
    `<Delete>${one}`,
    `<Delete>${one}</delete>`,
    `<Delete>x${one}</Delete>`,
    `<Delete>${one}x</Delete>`,
    `<delete>${one}</delete>`,
    `<x:Delete xmlns:x="http://s3.amazonaws.com/doc/2006-03-01/">${one}</x:Delete>`,
    `<Delete xmlns="http://evil.example/">${one}</Delete>`,
    `<Delete xmlns:x="http://evil.example/">${one}</Delete>`,
    `<Delete a="b">${one}</Delete>`,
    `<Delete a="b" a="c">${one}</Delete>`,
    `<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>`,
    `<Delete><Object><key>a</key></Object></Delete>`,
    `<Delete><Object><Key>a<b/></Key></Object></Delete>`,
    `<Delete><Object><Key>&#0;</Key></Object></Delete>`,
    `<Delete><Object><Key>&#xD800;</Key></Object></Delete>`,
    `<Delete><Object><Key>&amp</Key></Object></Delete>`,
    `<Delete><Object><Key>a\u0000</Key></Object></Delete>`,
    `<Delete>${one}<Quiet>TRUE</Quiet></Delete>`,
    `<Delete>${one}<Quiet>true</Quiet><Quiet>false</Quiet></Delete>`,
    '{}',
    '',
  ]) {
    assert.match(refused(remove(body)), /^not_understood/, String(body))
  }
})

it('writes what it read, so that a reader of another kind reads the same', () => {
  const { request, invocation } = identified(
    remove('<Delete><Object><Key>a&lt;/Key&gt;&lt;Key&gt;b\r\n&#13;</Key></Object></Delete>'),
  )
  assert.deepEqual(invocation.arguments['Delete'], { Objects: [{ Key: 'a</Key><Key>b\n\r' }] })
  assert.ok(request.body?.includes('<Key>a&#60;/Key&#62;&#60;Key&#62;b&#10;&#13;</Key>'))
})

it('reads in a time that grows with the length, and no deeper than it must', () => {
  assert.equal(parseXml('<a>'.repeat(50_000)), undefined)
  assert.equal(parseXml(`${'<a>'.repeat(41)}${'</a>'.repeat(41)}`), undefined)
  const before = process.cpuUsage()
  for (const text of [
    `<a ${'b="" '.repeat(100_000)}`,
    `<a${' '.repeat(500_000)}`,
    `<a>${'&'.repeat(500_000)}</a>`,
    `<a>${'<b/>'.repeat(300_000)}</a>`,
    `<a>${']'.repeat(500_000)}</a>`,
  ]) {
    parseXml(text)
  }
  // Of processor time, in milliseconds: a quadratic reader takes minutes for these.
  const { user, system } = process.cpuUsage(before)
  assert.ok((user + system) / 1000 < 5_000)
})
