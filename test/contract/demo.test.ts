/** The demo is a checker, so it is checked itself: that it finds everything in order, and that it notices where it is not. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { findIn, spellings } from '../../bench/demo/search.ts'

const program = fileURLToPath(new URL('../../bench/demo/main.ts', import.meta.url))

type Run = { readonly code: number | null; readonly text: string }

/** Runs the demo; `seen` is called with all that it has printed, whenever there is more. */
function runDemo(
  args: readonly string[] = [],
  seen: (text: string, interrupt: () => void) => void = () => undefined,
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (more: string) => {
        text += more
        seen(text, () => child.kill('SIGINT'))
      })
    }
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, text }))
  })
}

const linesWith = (mark: string, text: string): string[] =>
  text.split('\n').flatMap((line) => (line.startsWith(`   ${mark} `) ? [line.slice(5)] : []))
const directoryIn = (text: string): string | undefined =>
  /(\/\S*valetkey-demo-[A-Za-z0-9]+)\/data/.exec(text)?.[1]

test('every line of the demo comes out as it should, and nothing of it is left', async () => {
  const { code, text } = await runDemo()
  assert.equal(code, 0, text)
  assert.deepEqual(linesWith('✘', text), [])
  const good = linesWith('✔', text)
  assert.ok(good.length >= 35, `${String(good.length)} lines`)
  for (const refusal of [
    '415 unsupported_media_type',
    '403 verb_missing',
    '403 environment_outside',
    '403 approval_required',
  ])
    assert.ok(
      good.some((line) => line.endsWith(refusal)),
      refusal,
    )
  const directory = directoryIn(text)
  assert.ok(directory !== undefined && !existsSync(directory), directory)
  assert.ok(!text.includes('\u001b'), 'no colour where nobody looks on')
  for (const line of text.split('\n')) assert.ok(line.length <= 100, line)
})

test('the demo notices a delete that goes through, and a token that is left in a file or a table', async () => {
  const { code, text } = await runDemo(['--sabotage'])
  assert.equal(code, 1, text)
  const bad = linesWith('✘', text).join('\n')
  for (const noticed of [
    /^behind an alias/m,
    /^of what changes something/m,
    /^all three volumes are there/m,
    /each decision is the one that was due$/m,
    /^in none of its [0-9,]+ files/m,
    /^in none of the [0-9,]+ rows/m,
  ])
    assert.match(bad, noticed)
  assert.match(text, /log\/forgotten \(hex\)/)
  assert.match(text, /forgotten \(plain\)/)
})

test('an interrupted demo stops what it started and removes what it wrote', async () => {
  let interrupted = false
  const { code, text } = await runDemo([], (printed, interrupt) => {
    if (interrupted || directoryIn(printed) === undefined) return
    interrupted = true
    interrupt()
  })
  assert.equal(code, 130, text)
  const directory = directoryIn(text) ?? ''
  assert.ok(directory !== '' && !existsSync(directory), directory)
  const url = /the broker serves at (\S+),/.exec(text)?.[1] ?? ''
  await assert.rejects(fetch(`${url}/healthz`))
})

test('a secret is found in every spelling, wherever in an encoded text it stands', () => {
  const bytes = fc.uint8Array({ maxLength: 9 }).map((array) => Buffer.from(array))
  const visible = fc.stringMatching(/^[\x21-\x7e]{8,40}$/)
  fc.assert(
    fc.property(bytes, visible, bytes, (before, secret, after) => {
      const needles = spellings(secret)
      const whole = Buffer.concat([before, Buffer.from(secret), after])
      for (const encoding of ['latin1', 'base64', 'base64url', 'hex'] as const)
        assert.ok(findIn(whole.toString(encoding), needles) !== undefined, encoding)
      assert.ok(findIn(encodeURIComponent(secret), needles) !== undefined)
      assert.ok(findIn(JSON.stringify({ secret }), needles) !== undefined)
      assert.ok(findIn(Buffer.from(secret, 'utf16le'), needles) !== undefined)
    }),
  )
})

test('what merely resembles a secret is not taken for it', () => {
  const needles = spellings('rw_0123456789/abcdef+ghij')
  assert.equal(findIn('rw_0123456789/abcdef+ghiJ', needles), undefined)
  assert.equal(findIn(Buffer.from('rw_0123456789').toString('base64'), needles), undefined)
})
