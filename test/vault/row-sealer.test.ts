import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { kekFromBytes } from '../../src/vault/kek-key.ts'
import { createRowSealer, createTableSealer, tableBinding } from '../../src/vault/row-sealer.ts'
import { createVault, VaultSealed } from '../../src/vault/vault.ts'

const row = { table: 'lease', id: 'lease_1', provider: 'github', environment: 'env_1', version: 3 }

function opened() {
  const vault = createVault()
  vault.unlock(kekFromBytes(randomBytes(32)), 'file')
  return vault
}

test('what is sealed for a row opens there, and in no row that differs in anything', async () => {
  const sealer = createRowSealer(opened())
  const sealed = await sealer.seal(Buffer.from('a token'), row)
  assert.equal((await sealer.open(sealed, row))?.toString(), 'a token')
  for (const other of [
    { ...row, table: 'approval' },
    { ...row, id: 'lease_2' },
    { ...row, provider: 'railway' },
    { ...row, environment: 'env_2' },
    { ...row, version: 4 },
  ])
    assert.equal(await sealer.open(sealed, other), undefined, JSON.stringify(other))
})

test('a plaintext is erased by sealing it for a row, and is its caller’s where it is sealed for a table', async () => {
  const vault = opened()
  const token = Buffer.from('a token')
  await createRowSealer(vault).seal(token, row)
  assert.deepEqual(token, Buffer.alloc(7))
  const key = Buffer.from('a key')
  const sealed = await createTableSealer(vault, 'signing_key').seal(key, 'key_1')
  assert.equal(key.toString(), 'a key')
  assert.deepEqual(await createTableSealer(vault, 'signing_key').open(sealed, 'key_1'), key)
})

test('a value of one table opens in no other, nor in another row of its own', async () => {
  const vault = opened()
  const sealed = await createTableSealer(vault, 'one_time_code').seal(Buffer.from('x'), 'op_1')
  await assert.rejects(
    createTableSealer(vault, 'operator_session').open(sealed, 'op_1'),
    /operator_session does not open: tampered/,
  )
  await assert.rejects(createTableSealer(vault, 'one_time_code').open(sealed, 'op_2'), /tampered/)
  assert.ok(await createRowSealer(vault).open(sealed, tableBinding('one_time_code', 'op_1')))
})

test('while the vault is sealed nothing is, and nothing opens', async () => {
  const sealer = createRowSealer(createVault())
  assert.throws(() => sealer.kekId(), VaultSealed)
  await assert.rejects(async () => sealer.seal(Buffer.from('x'), row), VaultSealed)
})
