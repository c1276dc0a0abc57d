/**
 * The keys that capabilities are signed with (Ed25519), and those of sign-ins and cursors. They lie sealed in the
 * database, so that every replica has them and none has them on disk. A rotation makes a key that is published at once
 * and signs a little later, when every replica has heard of it; the old one verifies until the last capability it
 * signed has expired.
 */
import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose'
import { sql } from 'kysely'
import type { Db, Tx } from '../db/open.ts'
import { newId, type SigningKeyId } from '../ids.ts'
import { longestLifetime } from './claims.ts'
import type { HandleKeys } from './handle.ts'

/** Seals and opens key material under the key-encryption key; handed in by the broker, as this folder knows no vault. */
export type KeySealer = {
  readonly kekId: () => string
  seal(plaintext: Buffer, id: SigningKeyId): Promise<Buffer>
  /** The caller zeroes what it gets. Rejects where it does not open. */
  open(sealed: Buffer, id: SigningKeyId): Promise<Buffer>
}

export type VerificationKey = { readonly kid: string; readonly key: CryptoKey; readonly jwk: JWK }

export type Keyring = {
  /** The key that signs capabilities now. */
  signing(now: number): { readonly kid: string; readonly key: CryptoKey }
  verification(kid: string, now: number): VerificationKey | undefined
  /** RFC 7517: every key that verifies at present. */
  jwks(now: number): { readonly keys: readonly JWK[] }
  /** The secret of operators' sign-ins (HS256). Not a capability's key, and never published. */
  readonly operatorSecret: Buffer
  /** The key of DPoP nonces: derived, so that every replica has the same without another row. */
  readonly nonceSecret: Buffer
  /** The keys of handles: derived, too. */
  readonly handleKeys: HandleKeys
  signCursor(text: string): string
  verifyCursor(text: string, mac: string): boolean
}

/** Milliseconds between publishing a new key and signing with it: longer than the feed's bound. */
export const publishedBefore = 5_000

type Loaded = VerificationKey & {
  readonly signer: CryptoKey
  readonly signsFrom: number
  readonly retiresAt: number
}

/** Makes the keys that are missing. Safe for several replicas at once. */
export async function ensureKeys(db: Db, sealer: KeySealer, now: number): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtext('valetkey signing_key'))`.execute(tx)
    const present = await tx.selectFrom('signing_key').select('purpose').distinct().execute()
    const missing = (purpose: string): boolean => !present.some((row) => row.purpose === purpose)
    if (missing('capability')) await addSigningKey(tx, sealer, now)
    for (const purpose of ['operator', 'cursor'] as const) {
      if (missing(purpose)) await addSecret(tx, sealer, purpose, now)
    }
  })
}

async function addSecret(
  tx: Tx,
  sealer: KeySealer,
  purpose: 'operator' | 'cursor',
  now: number,
): Promise<void> {
  const id = newId('signingKey', now)
  const secret = randomBytes(32)
  await tx
    .insertInto('signing_key')
    .values({
      id,
      purpose,
      public_jwk: null,
      kek_id: sealer.kekId(),
      sealed: await sealer.seal(secret, id),
      signs_from: new Date(now),
      retires_at: null,
    })
    .execute()
  secret.fill(0)
}

async function addSigningKey(tx: Tx, sealer: KeySealer, signsFrom: number): Promise<SigningKeyId> {
  const id = newId('signingKey')
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: id, alg: 'EdDSA', use: 'sig' }
  const secret = Buffer.from(JSON.stringify(await exportJWK(privateKey)))
  await tx
    .insertInto('signing_key')
    .values({
      id,
      purpose: 'capability',
      public_jwk: JSON.stringify(jwk),
      kek_id: sealer.kekId(),
      sealed: await sealer.seal(secret, id),
      signs_from: new Date(signsFrom),
      retires_at: null,
    })
    .execute()
  secret.fill(0)
  return id
}

/** A new signing key with overlap. The caller bumps the directory's revision in the same transaction. */
export async function rotateSigningKey(
  tx: Tx,
  sealer: KeySealer,
  now: number,
): Promise<SigningKeyId> {
  const signsFrom = now + publishedBefore
  await tx
    .updateTable('signing_key')
    .set({ retires_at: new Date(signsFrom + longestLifetime * 1000) })
    .where('purpose', '=', 'capability')
    .where('retires_at', 'is', null)
    .execute()
  return addSigningKey(tx, sealer, signsFrom)
}

/** Each sealed key as `rewrap` gives it back, under the key-encryption key `kekId`. Returns how many there were. */
export async function rewrapSigningKeys(
  tx: Tx,
  kekId: string,
  rewrap: (sealed: Buffer, id: string) => Promise<Buffer>,
): Promise<number> {
  const rows = await tx.selectFrom('signing_key').select(['id', 'sealed']).execute()
  for (const { id, sealed } of rows) {
    await tx
      .updateTable('signing_key')
      .set({ sealed: await rewrap(sealed, id), kek_id: kekId })
      .where('id', '=', id)
      .execute()
  }
  return rows.length
}

export async function loadKeyring(db: Db, sealer: KeySealer, now: number): Promise<Keyring> {
  const rows = await db
    .selectFrom('signing_key')
    .selectAll()
    .where((e) => e.or([e('retires_at', 'is', null), e('retires_at', '>', new Date(now))]))
    .orderBy('signs_from')
    .orderBy('id')
    .execute()
  const loaded: Loaded[] = []
  const secrets = new Map<string, Buffer>()
  for (const row of rows) {
    const plaintext = await sealer.open(row.sealed, row.id as SigningKeyId)
    if (row.purpose !== 'capability') {
      secrets.set(row.purpose, plaintext)
      continue
    }
    const jwk = row.public_jwk as JWK
    loaded.push({
      kid: row.id,
      jwk,
      key: (await importJWK(jwk, 'EdDSA')) as CryptoKey,
      signer: (await importJWK(
        JSON.parse(plaintext.toString('utf8')) as JWK,
        'EdDSA',
      )) as CryptoKey,
      signsFrom: row.signs_from.getTime(),
      retiresAt: row.retires_at?.getTime() ?? Number.POSITIVE_INFINITY,
    })
    plaintext.fill(0)
  }
  const operatorSecret = secrets.get('operator')
  const cursorSecret = secrets.get('cursor')
  if (operatorSecret === undefined || cursorSecret === undefined || loaded.length === 0) {
    throw new Error('the database lacks signing keys')
  }
  const macOf = (text: string): Buffer =>
    createHmac('sha256', cursorSecret).update(text).digest().subarray(0, 16)
  // RFC 5869: each under a name of its own, so that no use can be turned into another.
  const derived = (name: string): Buffer =>
    Buffer.from(hkdfSync('sha256', cursorSecret, Buffer.alloc(0), name, 32))

  return {
    signing(at) {
      const key = loaded.findLast((candidate) => candidate.signsFrom <= at) ?? loaded[0]
      if (key === undefined) throw new Error('the keyring has no key that signs')
      return { kid: key.kid, key: key.signer }
    },
    verification: (kid, at) => loaded.find((key) => key.kid === kid && key.retiresAt > at),
    jwks: (at) => ({ keys: loaded.filter((key) => key.retiresAt > at).map((key) => key.jwk) }),
    operatorSecret,
    nonceSecret: derived('valetkey dpop nonce'),
    handleKeys: {
      mark: derived('valetkey handle mark'),
      record: derived('valetkey handle record'),
    },
    signCursor: (text) => macOf(text).toString('base64url'),
    verifyCursor(text, mac) {
      const given = Buffer.from(mac, 'base64url')
      const expected = macOf(text)
      return given.length === expected.length && timingSafeEqual(given, expected)
    },
  }
}
