import { test } from 'node:test'
import assert from 'node:assert/strict'
import { childOf, holderOf } from '../../support/delegation.ts'
import { dpopClient, dpopKey } from '../../support/dpop.ts'
import { entries, openStage } from '../../support/stage.ts'
import { tokenRequest } from '../../support/world.ts'

test('the log says in which form a capability was handed out, and to which key it is bound', async (t) => {
  const { broker, granted } = await openStage(t)
  const client = dpopClient(await dpopKey(), broker.url)
  const { agentId, agentKey } = granted
  const asHandle = { token: 'handle' }
  const said = async (): Promise<unknown> => {
    const { form, jkt } =
      (await entries(broker)).findLast(({ kind }) => kind === 'issuance') ?? ({} as never)
    return { form, jkt }
  }
  const bearer = await granted.token()
  assert.deepEqual(await said(), { form: 'jwt', jkt: undefined })
  await granted.token(asHandle)
  assert.deepEqual(await said(), { form: 'handle', jkt: undefined })
  await client.token(agentId, agentKey)
  assert.deepEqual(await said(), { form: 'jwt', jkt: client.key.jkt })
  await client.token(agentId, agentKey, asHandle)
  assert.deepEqual(await said(), { form: 'handle', jkt: client.key.jkt })
  await childOf(broker.url, holderOf(granted), bearer, { details: asHandle })
  assert.deepEqual(await said(), { form: 'handle', jkt: undefined }, 'by exchange, too')
  await tokenRequest(broker.url, agentId, agentKey, { provider: 'github' })
  assert.deepEqual(await said(), { form: undefined, jkt: undefined }, 'nothing was handed out')
})
