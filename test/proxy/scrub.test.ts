import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { needlesOf } from '../../src/proxy/needle.ts'
import { createRunFinder } from '../../src/proxy/runs.ts'
import { createScrubber, redacted, type Scrubber } from '../../src/proxy/scrub.ts'
import { createTrigrams } from '../../src/proxy/trigram.ts'

const secret = 'tok_Zk3Vb9QxT7mNpR2wLs8YhJd5FgC1aE4uKi0O'

function streamed(scrubber: Scrubber, chunks: readonly Buffer[]): Buffer {
  const stream = scrubber.stream()
  const out = chunks.flatMap((chunk) => stream.push(chunk))
  return Buffer.concat([...out, ...stream.end()])
}

function cut(data: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let at = 0
  for (let i = 0; at < data.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    chunks.push(data.subarray(at, at + size))
    at += size
  }
  return chunks
}

const hex = (code: number, digits: number) => code.toString(16).padStart(digits, '0')
/** Every way in which one character is spelled. */
const spellings: readonly ((char: string) => string)[] = [
  (char) => char,
  (char) => `%${hex(char.charCodeAt(0), 2)}`,
  (char) => `%${hex(char.charCodeAt(0), 2).toUpperCase()}`,
  (char) => `\\u${hex(char.charCodeAt(0), 4)}`,
  (char) => `\\\\u${hex(char.charCodeAt(0), 4).toUpperCase()}`,
  (char) => `\\x${hex(char.charCodeAt(0), 2)}`,
  (char) => `&#${char.charCodeAt(0)};`,
  (char) => `&#x${hex(char.charCodeAt(0), 2)};`,
  (char) => `&#X${hex(char.charCodeAt(0), 4).toUpperCase()};`,
  (char) => `=${hex(char.charCodeAt(0), 2).toUpperCase()}`,
  (char) => (/[a-z0-9]/i.test(char) ? char : `\\${char}`),
  (char) => `${char}\r\n`,
  (char) => `${char}\\n`,
  (char) => `${char}=\r\n`,
  (char) => ({ '&': '&amp;', '<': '&lt;', '"': '&quot;' })[char] ?? char,
]

describe('a scrubber', () => {
  const scrubber = createScrubber(secret)

  test('leaves alone what does not hold the secret, byte for byte', () => {
    for (const text of ['', '{}', 'tok_', 'Zk3Vb9QxT7m', '[redacted]', 'é😀'.repeat(50)]) {
      const bytes = Buffer.from(text)
      assert.equal(scrubber.body(bytes), bytes)
      assert.equal(scrubber.header(text), text)
    }
  })

  test('puts the same marker in place of the secret, of a part of it and of several of it', () => {
    const say = (text: string) => scrubber.body(Buffer.from(text)).toString()
    assert.equal(say(`a ${secret} b`), `a ${redacted} b`)
    assert.equal(say(`a ${secret.slice(5, 17)} b`), `a ${redacted} b`)
    assert.equal(say(`a ${secret}${secret} b`), `a ${redacted} b`)
    assert.equal(say(`a ${secret.toUpperCase()}, ${secret} b`), `a ${redacted}, ${redacted} b`)
    assert.equal(say(`a ${secret.slice(5, 16)} b`), `a ${secret.slice(5, 16)} b`)
  })

  test('lets a server-sent event pass as soon as it comes', () => {
    const stream = scrubber.stream()
    for (let i = 0; i < 100; i++) {
      const event = Buffer.from(`data: {"n":${i},"text":"Zk3 tok ${'xyz'.repeat(i % 5)}"}\n\n`)
      assert.deepEqual(Buffer.concat(stream.push(event)), event)
    }
    assert.deepEqual(stream.end(), [])
  })

  test('lets a line of a log pass as soon as it comes, whatever letter it ends with', () => {
    const stream = scrubber.stream()
    for (const letter of secret) {
      const line = Buffer.from(`2026-01-01 something happened to ${letter}\n`)
      assert.deepEqual(Buffer.concat(stream.push(line)), line)
    }
  })

  test('holds back what may yet be the secret, and gives it free when it is not', () => {
    const stream = scrubber.stream()
    const first = Buffer.concat(stream.push(Buffer.from(`x ${secret.slice(0, 9)}`)))
    assert.equal(first.toString(), 'x ')
    assert.equal(Buffer.concat(stream.push(Buffer.from('!'))).toString(), `${secret.slice(0, 9)}!`)
    assert.equal(Buffer.concat(stream.push(Buffer.from(secret.slice(0, 9)))).toString(), '')
    assert.equal(Buffer.concat(stream.end()).toString(), secret.slice(0, 9))
  })

  test('holds back every beginning of five characters or more, wherever in the chunk it stands', () => {
    const percent = (char: string) => `%${hex(char.charCodeAt(0), 2)}`
    const beginnings = [
      secret.slice(0, 5),
      secret.slice(0, 11),
      `${secret.slice(0, 7)}%`,
      `${secret.slice(0, 7)}%5`,
      `${secret.slice(0, 7)}\\u00`,
      `${secret.slice(0, 6)}&`,
      `${secret.slice(0, 6)}\r\n`,
      `${secret.slice(0, 5)}${percent(secret[5] ?? '')}`,
      `${secret.slice(0, 4)}${percent(secret[4] ?? '')}${secret.slice(5, 6)}`,
    ]
    for (const beginning of beginnings) {
      for (let noise = 0; noise < 12; noise++) {
        const before = '.'.repeat(noise)
        const out = Buffer.concat(scrubber.stream().push(Buffer.from(before + beginning)))
        assert.equal(out.toString(), before, JSON.stringify(beginning))
      }
    }
  })

  test('holds nothing back for blanks without end', () => {
    const stream = scrubber.stream()
    stream.push(Buffer.from(secret.slice(0, 8)))
    for (let i = 0; i < 50; i++) stream.push(Buffer.from('\n'.repeat(100)))
    assert.deepEqual(stream.end(), [])

    const needles = needlesOf(secret)
    const data = Buffer.from(secret.slice(0, 8) + '\n'.repeat(100))
    const runs = createRunFinder(needles, createTrigrams(needles))(data, 0, data.length, false)
    assert.deepEqual(runs, { found: [], open: data.length })
  })

  test('holds back a bounded number of bytes, whatever comes', () => {
    const repeated = createScrubber('abcabcabcabcabcabcabcabc')
    for (const [one, piece] of [
      [scrubber, secret],
      [scrubber, `${secret.slice(0, 11)}${' '.repeat(50)}`],
      [scrubber, `${secret.slice(0, 8)}${'\n'.repeat(500)}`],
      [repeated, 'abc'],
      [repeated, '&#x0061;&#x0062;&#x0063;'],
      [createScrubber('a'.repeat(30)), 'a'],
    ] as const) {
      const stream = one.stream()
      for (let i = 0; i < 400; i++) stream.push(Buffer.from(piece))
      const held = Buffer.concat(stream.end()).length
      assert.ok(held < 1000, `${held} bytes of ${JSON.stringify(piece)} were held`)
    }
  })

  test('takes out several secrets, and one of fewer than twelve characters as a whole', () => {
    const both = createScrubber([secret, 'hunter2!'])
    const text = Buffer.from(
      `${secret} and hunter2! and hunter2 and ${Buffer.from('hunter2!').toString('hex')}`,
    )
    assert.equal(
      both.body(text).toString(),
      `${redacted} and ${redacted} and hunter2 and ${redacted}`,
    )
    assert.equal(
      createScrubber('ab').body(Buffer.from('xaby %61b')).toString(),
      `x${redacted}y ${redacted}`,
    )
    assert.throws(() => createScrubber(''), RangeError)
    assert.throws(() => createScrubber([secret, '']), RangeError)
  })

  test('finds the secret in names and in many fields at once', () => {
    assert.ok(scrubber.finds(`x-${Buffer.from(secret).toString('hex')}`))
    assert.ok(scrubber.finds(`content-type\napplication/json\nx-a\n${secret}\nx-b\n1`))
    assert.ok(
      !scrubber.finds('content-type\napplication/json\nlocation\nhttps://x.example/?a=b&c=%41'),
    )
  })

  test('is as thorough as reading every byte closely', () => {
    const anySecret = fc.oneof(
      fc.constant(secret),
      fc.constant('6f1c2b9a-77d0-4e55-9a3c-0d1e2f3a4b5c'),
      fc.constant('ab+/cd==&<"%41\\u0062=3D ef\\'),
      fc.string({ minLength: 8, maxLength: 60 }).filter((text) => /^[\x21-\x7e]+$/.test(text)),
      fc.constantFrom('aaaaaaaaaaaaaaaaaaaaaaaa', 'abababababababababab', 'short-one'),
    )
    fc.assert(
      fc.property(
        anySecret,
        fc.array(
          fc.record({
            noise: fc.oneof(
              fc.string({ maxLength: 90 }),
              fc.constantFrom('%', '\\', '&#', '=\r\n', '\n', '%4', ' ', '\\\\', '=', '\0'),
            ),
            from: fc.nat(60),
            length: fc.integer({ min: 0, max: 60 }),
            shape: fc.nat(8),
            spelling: fc.array(fc.nat(spellings.length - 1), { minLength: 1, maxLength: 5 }),
          }),
          { minLength: 1, maxLength: 6 },
        ),
        fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 4 }),
        (secret, pieces, sizes) => {
          const data = Buffer.concat(
            pieces.flatMap(({ noise, from, length, shape, spelling }) => [
              Buffer.from(noise),
              spell(
                shapes(secret, shape)
                  .slice(from % secret.length)
                  .slice(0, length),
                spelling,
                shape,
              ),
            ]),
          )
          const scrubber = createScrubber(secret)
          const closely = readClosely(secret, data)
          assert.equal(scrubber.body(data).toString('latin1'), closely.toString('latin1'))
          // A stream may let the first few characters go before it knows, hence not the same; but nothing telling.
          const out = streamed(scrubber, cut(data, sizes))
          assert.equal(readClosely(secret, out).indexOf(redacted), out.indexOf(redacted))
          assert.ok(!tells(secret, out), out.toString('latin1'))
        },
      ),
      { numRuns: 600 },
    )
  })
})

/** The secret in one of the shapes that a whole string takes. */
function shapes(secret: string, shape: number): string {
  const bytes = Buffer.from(secret)
  switch (shape) {
    case 1:
      return bytes.toString('hex')
    case 2:
      return Buffer.from(`u:${secret}`).toString('base64')
    case 3:
      return Buffer.from(`xyz:${secret}!`).toString('base64url')
    case 4:
      return Buffer.from(Buffer.from(`x${secret}`).toString('base64')).toString('base64')
    default:
      return secret
  }
}

function spell(text: string, spelling: readonly number[], shape: number): Buffer {
  if (shape === 5) return Buffer.from(text, 'utf16le')
  if (shape === 6) return Buffer.from(text, 'utf16le').swap16()
  return Buffer.from(
    Array.from(text)
      .map((char, i) => (spellings[spelling[i % spelling.length] ?? 0] ?? String)(char))
      .join(''),
  )
}

/** Without the sieve: every byte through the run finder, the whole at once. */
function readClosely(secret: string, data: Buffer): Buffer {
  const needles = needlesOf(secret)
  const { found } = createRunFinder(needles, createTrigrams(needles))(data, 0, data.length, true)
  const parts: Buffer[] = []
  let at = 0
  for (let i = 0; i < found.length; i += 2) {
    parts.push(data.subarray(at, found[i]), Buffer.from(redacted))
    at = found[i + 1] ?? data.length
  }
  return Buffer.concat([...parts, data.subarray(at)])
}

/** Whether twelve characters in a row stand there plainly, in any case. */
function tells(secret: string, data: Buffer): boolean {
  const text = data.toString('latin1').toLowerCase()
  const plain = secret.toLowerCase()
  const telling = Math.min(12, plain.length)
  for (let i = 0; i + telling <= plain.length; i++) {
    if (text.includes(plain.slice(i, i + telling))) return true
  }
  return false
}
