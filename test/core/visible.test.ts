import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { visible as terminalVisible } from '../../src/cli/terminal-text.ts'
import { html, quoted, textDigest, visible, visiblePieces } from '../../src/core/visible.ts'

const conformance = new URL('../../../shared/conformance/text_injection.json', import.meta.url)
const anyText = fc.string({ unit: 'binary', maxLength: 60 })
/** Full of what the defence is about, so that runs and neighbours are tried too. */
const nastyText = fc
  .array(
    fc.constantFrom(
      ...'aprod /"\\<>[]&⟨⟩〈〉‹›«»（）'.split(''),
      'U+202E',
      '⟨U+202E⟩',
      '⟨cut: 3 more characters, SHA-256 ',
      '\u202e',
      '\u2066',
      '\u200d',
      '\u00a0',
      '\u0301',
      '\u0338',
      'é',
      'о',
      'р',
      'α',
      'ｐ',
      '漢',
      '字',
      '\u05d0',
      '\n',
      '\r',
      '\u001b[2K',
      '\ud800',
      '\udc00',
      '🙂',
      '\u{e0041}',
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''))

/** Written apart from the defence: what a reader knows who reads only the ASCII and the code points in the marks. */
function read(shown: string): string {
  let text = ''
  for (const [piece] of shown.matchAll(/⟨[^⟩]*⟩|[^⟨]/gu)) {
    if (!piece.startsWith('⟨')) {
      if (/^[ -~]$/.test(piece)) text += piece
      continue
    }
    for (const [, code] of piece.matchAll(/U\+([0-9A-F]+)/g))
      text += String.fromCodePoint(Number.parseInt(code ?? '', 16))
  }
  return text
}

test('two different texts never look the same: the ASCII of what is shown says all of the text', () => {
  for (const texts of [anyText, nastyText])
    fc.assert(
      fc.property(texts, (text) => {
        assert.equal(read(visible(text)), text)
        const inQuotes = quoted(text)
        assert.equal(read(inQuotes.slice(1, -1)), text)
        assert.doesNotMatch(inQuotes.slice(1, -1), /"/)
      }),
      { numRuns: 400 },
    )
})

test('what is shown is one line without controls, invisible characters and letters that run right to left', () => {
  const unsafe =
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}\p{Bidi_Control}\p{Script=Hebrew}\p{Script=Arabic}]/u
  for (const texts of [anyText, nastyText])
    fc.assert(
      fc.property(texts, (text) => {
        assert.doesNotMatch(visible(text), unsafe)
        // The CLI makes every line visible once more.
        assert.equal(terminalVisible(visible(text)), visible(text))
      }),
    )
})

test('a text that overrides the direction of its name shows the override', () => {
  assert.equal(visible('invoice\u202efdp.exe'), 'invoice⟨U+202E⟩fdp.exe')
  assert.equal(visible('\u2066prod\u2069'), '⟨U+2066⟩prod⟨U+2069⟩')
  assert.equal(visible('prod\u05d0'), 'prod⟨U+05D0⟩')
})

test('letters of another script in a word are named with their script, and so are words made of them', () => {
  assert.equal(visible('pr\u043ed'), 'prо⟨Cyrillic U+043E⟩d')
  assert.equal(visible('\u0430\u0441\u0435'), 'асе⟨Cyrillic U+0430 U+0441 U+0435⟩')
  assert.equal(visible('pr\u03bfd'), 'prο⟨Greek U+03BF⟩d')
  assert.equal(visible('\uff50rod'), 'ｐ⟨Latin U+FF50⟩rod')
  assert.equal(visible('\u{1d429}rod'), '\u{1d429}⟨U+1D429⟩rod')
})

test('letters that were put together and letters with an accent behind them are told apart', () => {
  assert.equal(visible('café'), 'café⟨Latin U+00E9⟩')
  assert.equal(visible('cafe\u0301'), 'cafe\u0301⟨U+0301⟩')
  assert.equal(visible('\u0301x'), '⟨U+0301⟩x')
  assert.equal(visible('=\u0338'), '=⟨U+0338⟩')
  assert.equal(
    visible('a\u0301\u0301\u0301\u0301'),
    'a\u0301\u0301\u0301⟨U+0301 U+0301 U+0301⟩⟨U+0301⟩',
  )
})

test('a line end cannot begin another line', () => {
  assert.equal(
    visible('data\r\nEnvironment: staging\u2028x'),
    'data⟨U+000D⟩⟨U+000A⟩Environment: staging⟨U+2028⟩x',
  )
})

test('terminal escapes, zero-width joiners and lone surrogates are named', () => {
  assert.equal(visible('\u001b]8;;http://x\u0007'), '⟨U+001B⟩]8;;http://x⟨U+0007⟩')
  assert.equal(visible('pr\u200dod\u200b'), 'pr⟨U+200D⟩od⟨U+200B⟩')
  assert.equal(visible('a\ud800b'), 'a⟨U+D800⟩b')
})

test('blanks that a page would drop are named', () => {
  assert.equal(visible(' a  b '), '⟨U+0020⟩a ⟨U+0020⟩b⟨U+0020⟩')
  assert.equal(visible('a b'), 'a b')
})

test('a text cannot write a mark of ours, nor with brackets that look like ours', () => {
  assert.equal(visible('⟨U+202E⟩'), '⟨U+27E8⟩U+202E⟨U+27E9⟩')
  assert.equal(visible('〈U+202E〉'), '⟨U+3008⟩U+202E⟨U+3009⟩')
  assert.deepEqual(visiblePieces('a⟨b\u202e'), [
    { kind: 'text', text: 'a' },
    { kind: 'mark', text: '⟨U+27E8⟩' },
    { kind: 'text', text: 'b' },
    { kind: 'mark', text: '⟨U+202E⟩' },
  ])
})

test('a name in quotation marks cannot close them', () => {
  assert.equal(quoted('x" in staging'), '"x⟨U+0022⟩ in staging"')
})

test('markup stays as it is for whoever renders it, and the page has none of it', () => {
  assert.equal(visible('<script>alert(1)</script>'), '<script>alert(1)</script>')
  assert.equal(visible('[Approve](http://x)'), '[Approve](http://x)')
  assert.equal(html(`<a href="x" id='y'>&`), '&#60;a href=&#34;x&#34; id=&#39;y&#39;&#62;&#38;')
  fc.assert(fc.property(anyText, (text) => assert.doesNotMatch(html(text), /[<>"']|&(?!#\d+;)/)))
})

test('a long text is cut where it says so, with how much is missing and the digest of all of it', () => {
  const text = `${'a'.repeat(1_200)}b`
  assert.equal(
    visible(text, 1_000),
    `${'a'.repeat(1_000)}⟨cut: 201 more characters, SHA-256 ${textDigest(text)}⟩`,
  )
  assert.notEqual(visible(`${text}c`, 100), visible(`${text}d`, 100))
  fc.assert(
    fc.property(nastyText, fc.integer({ min: 0, max: 20 }), (text, most) => {
      const shown = visible(text, most)
      assert.ok(shown.length <= 40 * most + 130)
      assert.equal(
        /⟨cut: \d+ more characters, SHA-256 [0-9a-f]{64}⟩$/.test(shown),
        Array.from(text).length > most,
      )
    }),
  )
})

test('no two texts have one digest for being no well-formed Unicode', () => {
  assert.notEqual(textDigest('\ud800'), textDigest('\ufffd'))
  assert.notEqual(textDigest('\ud800'), textDigest('\udc00'))
})

test(
  'every shared text-injection case is shown safely, and what is not ASCII in it is marked',
  { skip: existsSync(conformance) ? false : 'the shared conformance cases are not here' },
  () => {
    const { cases } = JSON.parse(readFileSync(conformance, 'utf8')) as {
      cases: readonly { id: string; request: { text: string }; expect: { checks: string[] } }[]
    }
    const seen = new Set<string>()
    for (const { id, request, expect } of cases) {
      const shown = visible(request.text, 10_000)
      assert.equal(read(shown), request.text, id)
      assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/u, id)
      for (const check of expect.checks) seen.add(check)
      if (expect.checks.includes('homoglyph_flagged')) assert.match(shown, /⟨.*U\+[0-9A-F]+⟩/, id)
      if (expect.checks.includes('literal'))
        assert.equal(shown, request.text.replaceAll('\n', '⟨U+000A⟩'), id)
    }
    for (const check of ['visible_escape', 'no_invisible_or_bidi', 'homoglyph_flagged', 'literal'])
      assert.ok(seen.has(check), `no case checks ${check}`)
  },
)
