/** What the broker mints for itself, of a kind that does not end by itself: kept from before it is there until it is over. */
import { after, afterEach, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { createKeepToRevoke, type KeepToRevoke } from '../../src/lease/kept.ts'
import type { Minted } from '../../src/minting/kind.ts'
import { SecretText } from '../../src/vault/secret-text.ts'
import { readCredential } from '../../src/vault/store.ts'
import { openLeaseWorld, type Leasing, type LeaseWorld } from '../support/lease.ts'
import { until } from '../support/until.ts'

let world: LeaseWorld
before(async () => {
  world = await openLeaseWorld(undefined)
})
afterEach(() => world.fickle.meddle(undefined))
after(() => world.close())

const narrowing = {
  bindings: [{ kind: 'repository', id: 'acme/app-staging' }],
  readOnly: true,
  seconds: 600,
}

type Setting = {
  readonly leasing: Leasing
  readonly keep: KeepToRevoke
  readonly credential: NonNullable<Awaited<ReturnType<typeof readCredential>>>
  /** As the minter does: it asks the provider. */
  readonly mint: () => Promise<Minted>
  readonly rows: () => Promise<readonly { state: string; last_error: string | null }[]>
}

async function setting(): Promise<Setting> {
  const leasing = await world.leasing()
  const { deps } = world.broker.broker
  const { db, vault, minter, sharedNow, now } = deps
  const credential = await readCredential(db, leasing.credentialId as never)
  assert.ok(credential !== undefined)
  const open = async () => SecretText.of((await import('../support/minting.ts')).rsaKey().pkcs1)
  return {
    leasing,
    credential,
    keep: createKeepToRevoke({
      db,
      sealer: {
        kekId: () => vault.kekId,
        seal: (plaintext, binding) => vault.seal(SecretText.take(plaintext), binding),
        open: () => Promise.resolve(undefined),
      },
      replicaId: 'rep_00000000000000000000000000' as never,
      openToMint: open,
      revoke: (...args) => minter.revoke(...args),
      sharedNow,
      now,
    }),
    mint: async () => minter.mint(credential, await open(), narrowing, 'req_test'),
    rows: () =>
      db
        .selectFrom('lease')
        .select(['state', 'last_error'])
        .where('credential_id', '=', credential.id)
        .execute(),
  }
}

const works = (minted: Minted): boolean => minted.ok && world.fickle.tokens().includes(minted.token)

test('there is a row before it is minted, and it is ended when its credential is not in use any more', async () => {
  const { leasing, keep, credential, mint, rows } = await setting()
  let before: unknown
  const minted = await keep(credential, narrowing, 'req_test', async () => {
    before = await rows()
    return mint()
  })
  assert.deepEqual(before, [{ state: 'minting', last_error: null }])
  assert.ok(works(minted))
  assert.deepEqual(await rows(), [{ state: 'live', last_error: null }])
  await world.broker.api('POST', `/v1/credentials/${leasing.credentialId}/revoke`, {})
  await until('it is ended', () => (works(minted) ? undefined : true))
  await until('its row says so', async () =>
    (await rows())[0]?.state === 'revoked' ? true : undefined,
  )
})

test('what cannot be written down is ended at once, and not used', async () => {
  const { keep, credential, mint, rows } = await setting()
  const { db } = world.broker.broker
  let made: Minted | undefined
  const minted = await keep(credential, narrowing, 'req_test', async () => {
    made = await mint()
    await db.deleteFrom('lease').where('credential_id', '=', credential.id).execute()
    return made
  })
  assert.deepEqual([minted.ok, !minted.ok && minted.why], [false, 'unavailable'])
  assert.ok(made?.ok === true && !works(made))
  assert.deepEqual(await rows(), [])
})

test('where nothing was minted its row is closed; where that is not certain, it stays', async () => {
  const { keep, credential, rows } = await setting()
  const no = (why: 'rejected' | 'unavailable') => () =>
    Promise.resolve({ ok: false, why, detail: 'no' } as const)
  await keep(credential, narrowing, 'req_test', no('rejected'))
  await keep(credential, narrowing, 'req_test', no('unavailable'))
  const states = (await rows()).map(({ state }) => state).sort()
  assert.deepEqual(states, ['minting', 'not_minted'])
})
