/**
 * A broker that is none, at an address that an agent put in its operator's way (VALETKEY_URL): it names the page of the
 * real one, with a challenge of its own, and is sent the code that the real one shows.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createClient } from '../../src/cli/client.ts'
import { askForCode } from '../../src/cli/identity-code.ts'

const theirs = 'https://elsewhere.example'
const real = 'https://valetkey.acme.example/sign-in/command-line'
const challenge = `challenge=${'A'.repeat(43)}&purpose=act`

async function shownBy(url: string, page: string) {
  const lines: string[] = []
  const said = { passwords: false, identity_provider: { label: 'Acme', command_line: page } }
  const broker = createClient({ url, fetch: () => Promise.resolve(Response.json(said)) })
  const terminal = {
    out: () => undefined,
    err: (line: string) => void lines.push(line),
    piped: () => Promise.resolve(undefined),
    hidden: () => Promise.resolve('BBBBB-BBBBB'),
  }
  const shown = await askForCode(broker, terminal, 'sign_in').catch(() => undefined)
  return { text: lines.join('\n'), asked: shown !== undefined }
}

test('the page that a command line leads to', async (t) => {
  for (const page of [
    `${real}?${challenge}`,
    `${real}?${challenge}#`,
    `${real}?${challenge}&next=`,
    `${real}#`,
    `${real}?`,
    `https://${new URL(real).host}@elsewhere.example/sign-in/command-line`,
    'javascript:alert(1)//a/b',
    `${real}\u001b[2K\r`,
    'x',
  ])
    await t.test(`is not ${JSON.stringify(page)}`, async () => {
      const { text, asked } = await shownBy(theirs, page)
      assert.equal(asked, false)
      assert.ok(!text.includes('sign-in'))
    })

  await t.test('is said to be another’s where it is', async () => {
    const { text, asked } = await shownBy(theirs, real)
    assert.equal(asked, true)
    assert.match(text, /The code goes to https:\/\/elsewhere\.example/)
  })

  await t.test('is the broker’s own, and then no more is said', async () => {
    const { text, asked } = await shownBy('https://valetkey.acme.example', real)
    assert.equal(asked, true)
    assert.match(text, /command-line\?challenge=[A-Za-z0-9_-]{43}&purpose=sign_in/)
    assert.doesNotMatch(text, /another address/)
  })
})
