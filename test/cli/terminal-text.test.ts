import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { auditColumns, auditRow } from '../../src/cli/audit-row.ts'
import { cut, visible, visibleJson } from '../../src/cli/terminal-text.ts'
import { fixedRow, table } from '../../src/cli/table.ts'

const conformance = new URL('../../../shared/conformance/text_injection.json', import.meta.url)

type Case = {
  readonly id: string
  readonly request: { readonly text: string }
  readonly expect: { readonly checks: readonly string[] }
}

/** Written apart from the defence: by general category, and by what a terminal acts upon. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/u
const anyText = fc.string({ unit: 'binary', maxLength: 60 })

function rowOf(text: string): string {
  return fixedRow(
    auditColumns,
    auditRow({
      id: 1,
      entry: {
        kind: 'decision',
        at: '2026-01-01T00:00:00.000Z',
        result: 'deny',
        actor: { kind: 'agent', id: 'x', name: text },
        environment: { id: 'e', name: text },
        operations: [{ name: text, effects: ['read'], resources: [text] }],
        reason: text,
        about: [text],
      },
    }),
  )
}

test(
  'every shared text-injection case is shown without controls and invisible characters, in every place of the CLI',
  { skip: existsSync(conformance) ? false : 'the shared conformance cases are not here' },
  () => {
    const { cases } = JSON.parse(readFileSync(conformance, 'utf8')) as { cases: readonly Case[] }
    const checked = new Map<string, number>()
    for (const { id, request, expect } of cases) {
      const { text } = request
      const places = [
        visible(text),
        cut(text, 30),
        rowOf(text),
        ...table([{ title: 'T', most: 50 }], [[text]]),
      ]
      for (const line of places) {
        assert.doesNotMatch(line, invisible, id)
      }
      for (const check of expect.checks) checked.set(check, (checked.get(check) ?? 0) + 1)
      if (expect.checks.includes('visible_escape')) {
        for (const character of text) {
          if (!invisible.test(character)) continue
          const escape = `\\u{${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`
          assert.ok(visible(text).includes(escape), `${id}: ${escape}`)
        }
      }
      // A line end is no text on a line: it is shown as an escape.
      if (expect.checks.includes('literal')) {
        assert.equal(visible(text), text.replaceAll('\n', '\\u{000a}'), id)
      }
      assert.deepEqual(JSON.parse(visibleJson({ text }).join('\n')), { text }, id)
    }
    for (const check of ['terminal_safe', 'no_invisible_or_bidi', 'visible_escape']) {
      assert.ok((checked.get(check) ?? 0) > 0, `no case checks ${check}`)
    }
  },
)

test('no text makes a line that holds a control, an invisible or an unassigned character', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.doesNotMatch(visible(text), invisible)
      assert.doesNotMatch(rowOf(text), invisible)
    }),
  )
})

test('text that was made visible once stays as it is, so that cells and lines can both be made so', () => {
  fc.assert(fc.property(anyText, (text) => assert.equal(visible(visible(text)), visible(text))))
})

test('JSON for the terminal has no invisible character and still means the same', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const lines = visibleJson(value, 2)
      for (const line of lines) assert.doesNotMatch(line, invisible)
      assert.deepEqual(JSON.parse(lines.join('\n')), JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('escapes name the character', () => {
  assert.equal(visible('a\u202eb'), 'a\\u{202e}b')
  assert.equal(visible('\u001b[2K'), '\\u{001b}[2K')
  assert.equal(visible('one\ntwo\r\u0085'), 'one\\u{000a}two\\u{000d}\\u{0085}')
  assert.equal(visible('a\ud800b'), 'a\\u{d800}b')
  assert.equal(visible('tag \u{e0041}'), 'tag \\u{e0041}')
})

test('letters that run right to left are escaped, because a terminal would move their neighbours', () => {
  assert.equal(visible('prod \u05d0\u05d1 1'), 'prod \\u{05d0}\\u{05d1} 1')
  assert.equal(visible('\u0645'), '\\u{0645}')
})

test('blanks that pass for a space and letters that are not drawn are escaped', () => {
  assert.equal(visible('a\u00a0b\u3000c'), 'a\\u{00a0}b\\u{3000}c')
  assert.equal(visible('\u3164\u115f\u2800'), '\\u{3164}\\u{115f}\\u{2800}')
})

test('a mark with nothing to stand on is escaped, and so is a pile of them, while accents stay', () => {
  assert.equal(visible('\u0338= x'), '\\u{0338}= x')
  assert.equal(visible('cafe\u0301 é 漢字 Ω'), 'cafe\u0301 é 漢字 Ω')
  assert.equal(visible(`a${'\u0301'.repeat(5)}`), `a${'\u0301'.repeat(3)}\\u{0301}\\u{0301}`)
})

test('what is cut says so, and stays within its length', () => {
  assert.equal(cut('short', 10), 'short')
  assert.equal(cut('a'.repeat(100), 20), `${'a'.repeat(13)}…[+87]`)
  fc.assert(
    fc.property(anyText, fc.integer({ min: 12, max: 40 }), (text, most) => {
      assert.ok(Array.from(cut(text, most)).length <= most)
    }),
  )
})
