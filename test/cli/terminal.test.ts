import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { createHiddenPrompt, Interrupted } from '../../src/cli/terminal.ts'

function openPrompt() {
  const raw: boolean[] = []
  const input = Object.assign(new PassThrough(), { setRawMode: (on: boolean) => void raw.push(on) })
  let printed = ''
  const ask = createHiddenPrompt(input, (text) => {
    printed += text
  })
  return {
    ask,
    raw,
    printed: () => printed,
    type: (text: string) => void input.write(text),
    end: () => void input.end(),
  }
}

test('what is typed is taken and not shown', async () => {
  const prompt = openPrompt()
  const answer = prompt.ask('Your password')
  for (const key of 'hunterX\u007f2\r') prompt.type(key)
  assert.equal(await answer, 'hunter2')
  assert.equal(prompt.printed(), 'Your password: \n')
  assert.deepEqual(prompt.raw, [true, false])
})

test('two lines pasted at once answer two questions', async () => {
  const prompt = openPrompt()
  const first = prompt.ask('one')
  prompt.type('aaa\r\nbbb\n')
  assert.equal(await first, 'aaa')
  assert.equal(await prompt.ask('two'), 'bbb')
})

test('Ctrl-U starts over, and a character of several bytes is one to take back', async () => {
  const prompt = openPrompt()
  const answer = prompt.ask('x')
  prompt.type('wrong\u0015né😀\u007f\r')
  assert.equal(await answer, 'né')
})

for (const [key, text] of [
  ['Ctrl-C', 'abc\u0003'],
  ['Ctrl-D', '\u0004'],
] as const) {
  test(`${key} stops, and gives the terminal back as it was`, async () => {
    const prompt = openPrompt()
    const answer = prompt.ask('x')
    prompt.type(text)
    await assert.rejects(answer, Interrupted)
    assert.deepEqual(prompt.raw, [true, false])
  })
}

test('the end of input stops', async () => {
  const prompt = openPrompt()
  const answer = prompt.ask('x')
  prompt.end()
  await assert.rejects(answer, Interrupted)
})
