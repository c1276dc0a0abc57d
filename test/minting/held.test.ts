import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHeldTokens, margin, type Held } from '../../src/minting/held.ts'
import type { MintRefusal } from '../../src/minting/kind.ts'
import { SecretText } from '../../src/vault/secret-text.ts'

const owner = { id: 'cred_1', version: 1 }
const refusal = (why: MintRefusal['why'], more: Partial<MintRefusal> = {}): MintRefusal => ({
  ok: false,
  why,
  detail: 'no',
  ...more,
})

function world() {
  const clock = { now: 1_000_000 }
  const held = createHeldTokens<string>()
  const token = (left: number, name = 'token'): Held<string> => ({
    secret: SecretText.of(name),
    guard: name,
    expiresAt: clock.now + left,
  })
  const mint = (minted: Held<string> | MintRefusal, key = 'k', whose = owner) =>
    held.once(
      key,
      whose,
      () => Promise.resolve(minted),
      () => clock.now,
    )
  return { clock, held, token, mint, get: (key = 'k') => held.get(key, clock.now) }
}

describe('what was minted', () => {
  test('is given out until a minute before it ends, and never after', async () => {
    const { clock, token, mint, get } = world()
    const minted = token(600_000)
    await mint(minted)
    assert.equal(get(), minted)
    clock.now += 600_000 - margin
    assert.equal(get(), minted)
    clock.now += 1
    assert.equal(get(), undefined)
  })

  test('is minted once, however many ask meanwhile', async () => {
    const { clock, held, token } = world()
    let minted = 0
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        held.once(
          'k',
          owner,
          async () => {
            minted++
            return Promise.resolve(token(600_000))
          },
          () => clock.now,
        ),
      ),
    )
    assert.equal(minted, 1)
    assert.equal(new Set(answers).size, 1)
  })

  test('is not kept where its credential was dropped while it was minted', async () => {
    const { clock, held, token, get } = world()
    let finish: (minted: Held<string>) => void = () => undefined
    const flight = held.once(
      'k',
      owner,
      () => new Promise<Held<string>>((resolve) => (finish = resolve)),
      () => clock.now,
    )
    assert.deepEqual(held.owners(), [owner])
    held.drop(owner)
    finish(token(600_000))
    await flight
    assert.equal(get(), undefined)
    assert.deepEqual(held.owners(), [])
  })

  test('is dropped with its credential, and with no other', async () => {
    const { held, token, mint, get } = world()
    await mint(token(600_000))
    await mint(token(600_000), 'other', { id: 'cred_1', version: 2 })
    held.drop(owner)
    assert.equal(get(), undefined)
    assert.notEqual(get('other'), undefined)
  })

  test('is never more than five hundred', async () => {
    const { held, token, mint } = world()
    for (let i = 0; i < 700; i++)
      await mint(token(600_000), `k${String(i)}`, { id: `cred_${String(i)}`, version: 1 })
    assert.equal(held.owners().length, 500)
  })

  test('that the provider does not accept is replaced, but not again and again', async () => {
    const { clock, held, token, mint, get } = world()
    const first = token(600_000)
    await mint(first)
    assert.equal(held.refused('k', first, clock.now), true)
    assert.equal(get(), undefined)
    const second = token(600_000, 'second')
    await mint(second)
    assert.equal(held.refused('k', first, clock.now), false, 'the one before it was meant')
    assert.equal(held.refused('k', second, clock.now), false)
    assert.equal(get(), second)
    clock.now += 31_000
    assert.equal(held.refused('k', second, clock.now), true)
  })
})

describe('a refusal', () => {
  test('is the answer for a while, which grows to a bound', async () => {
    const { clock, mint, get } = world()
    const no = refusal('rejected')
    let pause = 0
    for (const expected of [15_000, 30_000, 60_000, 120_000, 240_000, 300_000, 300_000]) {
      await mint(no)
      for (pause = 0; get() === no; pause += 1_000) clock.now += 1_000
      assert.equal(pause, expected)
    }
  })

  test('passes sooner where nobody answered, and later where the secret is dead', async () => {
    for (const [no, expected] of [
      [refusal('unavailable'), 1_000],
      [refusal('rejected', { dead: true }), 600_000],
    ] as const) {
      const { clock, mint, get } = world()
      await mint(no)
      clock.now += expected - 1
      assert.equal(get(), no)
      clock.now += 1
      assert.equal(get(), undefined)
    }
  })

  test('is forgotten once something was minted', async () => {
    const { clock, token, mint, get } = world()
    await mint(refusal('rejected'))
    await mint(refusal('rejected'))
    await mint(token(margin + 1))
    clock.now += 10
    await mint(refusal('rejected'))
    clock.now += 15_000
    assert.equal(get(), undefined, 'the pause is the first one again')
  })
})
