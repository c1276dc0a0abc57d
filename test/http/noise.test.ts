import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { AuditEntry } from '../../src/audit/entry.ts'
import type { AuditLog } from '../../src/audit/log.ts'
import { createNoise } from '../../src/http/noise.ts'

test('what nobody stands behind is counted by its reason, with the first sample of each, cut', () => {
  const noted: AuditEntry[] = []
  const audit = { note: (entry: AuditEntry) => void noted.push(entry) } as unknown as AuditLog
  const noise = createNoise({ audit, now: () => 0 }, 'a.door')
  noise.count('plain')
  for (const subject of [`first\n${'x'.repeat(1_000)}`, 'second', 'third'])
    noise.count('no_rule', subject)
  noise.close()
  const details = noted.map((entry) => ('detail' in entry ? (entry.detail ?? '') : ''))
  assert.equal(details[0], 'plain ×1')
  assert.match(details[1] ?? '', /^no_rule ×3: first\nx+…\[1006\]$/)
  assert.ok((details[1] ?? '').length < 300)
  assert.equal(noted.length, 2)
})
