import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { mintKind } from '../../src/minting/kinds.ts'
import { takes } from '../support/minting.ts'

const text = readFileSync(new URL('../../docs/credentials.md', import.meta.url), 'utf8')

test('what docs/credentials.md shows of each kind is what the kind takes', () => {
  const shown = [...text.matchAll(/```json\n(.*?)```/gs)]
    .map(([, json = '']) => JSON.parse(json) as Record<string, unknown>)
    .filter((each) => typeof each['kind'] === 'string')
  for (const { kind: name, ...parameters } of shown) {
    const kind = mintKind(String(name))
    assert.ok(kind !== undefined && takes(kind, parameters), String(name))
  }
  const names = new Set(shown.map(({ kind }) => kind))
  for (const name of ['github_app', 'aws_sts', 'gcp', 'railway', 'kubernetes'])
    assert.ok(names.has(name), name)
})
