import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { deepest, Redactor } from '../../src/proxy/redact.ts'

type Path = readonly string[]

/** Everything that came out, and whether the whole was accepted. */
function run(chunks: readonly Buffer[], paths: readonly Path[], take = false) {
  const redactor = new Redactor(paths.map((path) => ({ path, take })))
  const out: Buffer[] = []
  let ok = true
  for (const chunk of chunks) {
    const passing = redactor.push(chunk)
    if (passing === undefined) ok = false
    else out.push(passing)
  }
  return {
    ok: ok && redactor.end(),
    text: Buffer.concat(out).toString(),
    redacted: [...redactor.redacted],
    taken: redactor.taken,
  }
}

function redact(text: string, ...paths: Path[]): string {
  const whole = run([Buffer.from(text)], paths)
  assert.ok(whole.ok, text)
  const bytewise = run(
    Array.from(Buffer.from(text), (byte) => Buffer.of(byte)),
    paths,
  )
  assert.deepEqual(bytewise, whole)
  return whole.text
}

describe('a field at a path', () => {
  test('becomes the marker, whatever its type, and the rest stays byte for byte', () => {
    for (const value of ['"s"', '12', '-0', '1e5', 'true', 'false', '[1,{"a":"]"}]', '{"t":"s"}']) {
      const around = (t: string) =>
        ` { "a" : 12345678901234567890 ,\n"t" :${t} , "b":"\\u00e9é" } \n`
      assert.equal(redact(around(value), ['t']), around('"[redacted]"'))
    }
  })

  test('stays where it is null or an empty string: nothing is in it', () => {
    const text = '{"t":null,"u":"","v":" "}'
    assert.equal(redact(text, ['t'], ['u']), text)
    assert.deepEqual(run([Buffer.from(text)], [['t'], ['u']]).redacted, [])
  })

  test('is found however its key is escaped, and each time that it comes', () => {
    for (const key of ['t', '\\u0074']) {
      assert.equal(redact(`{"${key}":"s"}`, ['t']), `{"${key}":"[redacted]"}`)
    }
    assert.equal(redact('{"t":1,"t":"s"}', ['t']), '{"t":"[redacted]","t":"[redacted]"}')
    assert.equal(redact('{"\\ud83d\\ude00":"s"}', ['😀']), '{"\\ud83d\\ude00":"[redacted]"}')
    assert.equal(redact('{"\\"\\\\\\n\\/":"s"}', ['"\\\n/']), '{"\\"\\\\\\n\\/":"[redacted]"}')
  })

  test('is not one whose key only resembles it', () => {
    for (const key of ['T', 'tt', '', 't\\u0000', '\\ud83d', '\\ud83dt', '\\ude00', 't ']) {
      assert.equal(redact(`{"${key}":"s"}`, ['t'], ['😀']), `{"${key}":"s"}`)
    }
  })

  test('is not one whose key goes on, however far', () => {
    const text = `{"t${'x'.repeat(100_000)}":"s","t${'\\u0078'.repeat(1_000)}":"s"}`
    assert.equal(run([Buffer.from(text)], [['t']]).text, text)
  })

  test('is found below every member, and through lists that the path does not mention', () => {
    assert.equal(
      redact('[{"t":1},[{"t":2}]]', ['*', 't']),
      '[{"t":"[redacted]"},[{"t":"[redacted]"}]]',
    )
    assert.equal(redact('{"a":{"t":1},"b":2}', ['*', 't']), '{"a":{"t":"[redacted]"},"b":2}')
    assert.equal(redact('{"a":[[{"t":1}]]}', ['a', 't']), '{"a":[[{"t":"[redacted]"}]]}')
    assert.equal(redact('{"a":[1,"s",null]}', ['a', '*']), '{"a":["[redacted]","[redacted]",null]}')
  })

  test('is found at any depth, where the path says so', () => {
    const deep = (t: string) => `{"t":${t},"a":[{"b":{"a":{"t":${t},"u":1}}}],"u":2}`
    assert.equal(redact(deep('"s"'), ['**', 't']), deep('"[redacted]"'))
    assert.equal(
      redact(deep('"s"'), ['**', 'a', 't'], ['a', '**', 'u']),
      '{"t":"s","a":[{"b":{"a":{"t":"[redacted]","u":"[redacted]"}}}],"u":2}',
    )
    const deepest = (t: string) => '[{"a":'.repeat(100) + `{"t":${t}}` + '}]'.repeat(100)
    assert.equal(redact(deepest('"s"'), ['**', 't']), deepest('"[redacted]"'))
  })

  test('is not looked for elsewhere', () => {
    const text = '{"b":{"t":1},"t":2,"a":{"b":{"t":3}}}'
    assert.equal(redact(text, ['a', 't']), text)
  })

  test('may be named by several paths, with and without a star', () => {
    assert.equal(
      redact('{"a":{"t":1,"u":2},"b":{"t":3,"u":4}}', ['a', 't'], ['*', 'u'], ['a']),
      '{"a":"[redacted]","b":{"t":3,"u":"[redacted]"}}',
    )
    assert.equal(
      redact('{"a":{"t":1,"u":2}}', ['a', 't'], ['*', 'u']),
      '{"a":{"t":"[redacted]","u":"[redacted]"}}',
    )
    assert.equal(redact('{"a":1}', []), '"[redacted]"')
  })

  test('is said by its path', () => {
    const { redacted } = run(
      [Buffer.from('[{"t":1,"é,":2},{"t":3}]')],
      [['*', 't'], ['*', 'é,'], ['u']],
    )
    assert.deepEqual(redacted, ['*.t', '*.%C3%A9%2C'])
  })
})

describe('a string that is wanted', () => {
  test('is given decoded, also across chunks; nothing else is', () => {
    const text = '{"t":"a\\u0062\\"é","u":["x"],"t":"","v":"y"}'
    const bytes = Buffer.from(text)
    for (let cut = 0; cut <= bytes.length; cut++) {
      const {
        ok,
        taken,
        text: out,
      } = run([bytes.subarray(0, cut), bytes.subarray(cut)], [['t'], ['u']], true)
      assert.ok(ok)
      assert.deepEqual(taken, ['ab"é'])
      assert.equal(out, '{"t":"[redacted]","u":"[redacted]","t":"","v":"y"}')
    }
  })

  test('fails the answer where it is not UTF-8', () => {
    assert.ok(!run([Buffer.from('{"t":"\xff"}', 'latin1')], [['t']], true).ok)
  })
})

test('lists and objects stand inside one another up to a bound', () => {
  const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))
  assert.ok(run([nested(deepest)], [['t']]).ok)
  assert.ok(!run([nested(deepest + 1)], [['t']]).ok)
})

test('nothing passes behind the byte that is not JSON, nor of the chunk it stands in', () => {
  const redactor = new Redactor([{ path: ['t'], take: false }])
  assert.deepEqual(redactor.push(Buffer.from('{"a":1,')), Buffer.from('{"a":1,'))
  assert.equal(redactor.push(Buffer.from('"b":2,}')), undefined)
  assert.equal(redactor.push(Buffer.from('"t":"s"}')), undefined)
  assert.equal(redactor.end(), false)
})

// What follows compares with readers that were written another way: JSON.parse, and a writer of both texts at once.

/** A document as it is spelled: what a path sees, and what stands there. */
type Spelled =
  | { readonly kind: 'scalar'; readonly raw: string }
  | { readonly kind: 'list'; readonly items: readonly Spelled[]; readonly blank: string }
  | {
      readonly kind: 'object'
      readonly members: readonly {
        readonly key: string
        readonly raw: string
        readonly value: Spelled
      }[]
      readonly blank: string
    }

const keys = ['a', 'b', 't', '', 'temp_clone_token', 'é', '😀', 'a"b', '*', '__proto__']
const blank = fc.constantFrom('', '', ' ', '\n\t', '\r ')

/** A spelling of a string, each unit as itself or as an escape. */
function spelled(text: string, choices: readonly number[]): string {
  return `"${Array.from({ length: text.length }, (_, i) => {
    const code = text.charCodeAt(i)
    const hex = code.toString(16).padStart(4, '0')
    const choice = choices[i % choices.length] ?? 0
    // A half of a pair as an escape, the other as itself, would be two lone halves.
    if (choice === 1 && (code < 0xd800 || code > 0xdfff)) return `\\u${hex}`
    if (choice === 2 && (code < 0xd800 || code > 0xdfff)) return `\\u${hex.toUpperCase()}`
    if (choice === 3 && text.charAt(i) === '/') return '\\/'
    const plain = text.charAt(i)
    return plain === '"' || plain === '\\' || code < 0x20
      ? JSON.stringify(plain).slice(1, -1)
      : plain
  }).join('')}"`
}

const choices = fc.array(fc.nat(3), { minLength: 1, maxLength: 8 })
const scalar = fc.oneof(
  fc.constantFrom(
    'null',
    'true',
    'false',
    '""',
    '0',
    '-0',
    '12345678901234567890',
    '1.50E+3',
    '-1e-7',
  ),
  fc.tuple(fc.string({ unit: 'grapheme' }), choices).map(([text, how]) => spelled(text, how)),
)
const document = fc.letrec<{ value: Spelled }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    scalar.map((raw): Spelled => ({ kind: 'scalar', raw })),
    fc
      .tuple(fc.array(tie('value'), { maxLength: 4 }), blank)
      .map(([items, blank]): Spelled => ({ kind: 'list', items, blank })),
    fc
      .tuple(
        fc.array(fc.tuple(fc.constantFrom(...keys), choices, tie('value')), { maxLength: 5 }),
        blank,
      )
      .map(([members, blank]): Spelled => ({
        kind: 'object',
        members: members.map(([key, how, value]) => ({ key, raw: spelled(key, how), value })),
        blank,
      })),
  ),
})).value
const path = fc.array(fc.constantFrom(...keys, '*', '*', '*', '**', '**'), { maxLength: 4 })

/** Writes the document as the agent should get it. `left`: what is left of each path, here. */
function written(value: Spelled, left: readonly Path[]): string {
  const paths = left.flatMap((rest) => {
    const stars = rest.findIndex((name) => name !== '**')
    return Array.from({ length: (stars === -1 ? rest.length : stars) + 1 }, (_, i) => rest.slice(i))
  })
  const nothing = value.kind === 'scalar' && (value.raw === 'null' || value.raw === '""')
  if (paths.some((rest) => rest.length === 0) && !nothing) return '"[redacted]"'
  if (value.kind === 'scalar') return value.raw
  const { blank } = value
  if (value.kind === 'list') {
    const within = paths.map((rest) => (rest[0] === '*' ? rest.slice(1) : rest))
    return `[${blank}${value.items.map((item) => written(item, within)).join(`${blank},${blank}`)}${blank}]`
  }
  const members = value.members.map(({ key, raw, value }) => {
    const within = paths
      .filter(([head]) => head === key || head === '*' || head === '**')
      .map((rest) => (rest[0] === '**' ? rest : rest.slice(1)))
    return `${raw}${blank}:${blank}${written(value, within)}`
  })
  return `{${blank}${members.join(`${blank},${blank}`)}${blank}}`
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].toSorted(
    (a, b) => a - b,
  )
  return [0, ...places].map((start, i) => bytes.subarray(start, places[i] ?? bytes.length))
}
const cuts = fc.array(fc.nat(), { maxLength: 12 })

test('any document, cut anywhere, loses what its paths name and keeps every other byte', () => {
  let changed = 0
  fc.assert(
    fc.property(document, fc.array(path, { maxLength: 4 }), cuts, (value, paths, at) => {
      const text = written(value, [])
      const expected = written(value, paths)
      if (text !== expected) changed++
      const result = run(cut(Buffer.from(text), at), paths)
      assert.ok(result.ok)
      assert.equal(result.text, expected)
      assert.equal(result.redacted.length > 0, text !== expected || text.includes('"[redacted]"'))
    }),
    { numRuns: 2_000 },
  )
  assert.ok(changed > 300, `only ${String(changed)} had something in them`)
})

test('exactly what JSON.parse reads is accepted, broken documents included', () => {
  const edit = fc.tuple(
    fc.nat(),
    fc.constantFrom(...Array.from('{}[]",:\\u0-+.eEtfn x\n\0\x1f/')),
    fc.nat(2),
  )
  let refused = 0
  fc.assert(
    fc.property(
      document,
      fc.array(edit, { maxLength: 3 }),
      path,
      cuts,
      (value, edits, path, at) => {
        let text = written(value, [])
        for (const [where, what, how] of edits) {
          const i = where % (text.length + 1)
          text = text.slice(0, i) + (how === 0 ? '' : what) + text.slice(how === 1 ? i : i + 1)
        }
        let readable = true
        try {
          JSON.parse(text)
        } catch {
          readable = false
          refused++
        }
        assert.equal(run(cut(Buffer.from(text), at), [path]).ok, readable, text)
      },
    ),
    { numRuns: 3_000 },
  )
  assert.ok(refused > 300, `only ${String(refused)} were broken`)
})

test('of an answer that breaks off anywhere, no part of the field has passed', () => {
  const canary = 'CANARY'
  const bytes = Buffer.from(`{"a":[{"t\\u0074":"${canary}"}],"x":{"tt":{"y":["${canary}"]}}}`)
  for (let length = 0; length < bytes.length; length++) {
    for (const size of [1, 2, 3, 7, 64]) {
      const chunks = Array.from({ length: Math.ceil(length / size) }, (_, i) =>
        bytes.subarray(i * size, Math.min(length, (i + 1) * size)),
      )
      assert.ok(!/[CANRY]/.test(run(chunks, [['*', 'tt']]).text))
    }
  }
})
