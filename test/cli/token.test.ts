/** `valetkey token` where it hands on less: who may act is named, and one capability is exchanged for another. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addHelper, claimsOf } from '../support/delegation.ts'
import { jobClaims, openFederated } from '../support/federated.ts'
import { privateDirectory } from '../support/keeper.ts'
import { cli } from './world.ts'

test('a capability in a terminal', async (t) => {
  const { broker, granted, rule, issuer, capability } = await openFederated(t)
  const home = await privateDirectory(t)
  const env = { XDG_CONFIG_HOME: home, HOME: home, VALETKEY_URL: broker.url }
  const helper = await addHelper(broker, 'helper')
  const job = await addHelper(broker, 'job')

  async function file(name: string, text: string, mode = 0o600): Promise<string> {
    const path = join(home, name)
    await writeFile(path, `${text}\n`, { mode })
    return path
  }
  const type = (line: string) => cli(`token ${line}`.split(' '), { env, fetch })
  async function good(line: string): Promise<string> {
    const result = await type(line)
    assert.equal(result.code, 0, `${line}\n${result.err.join('\n')}`)
    return result.out.join('\n')
  }
  async function refused(why: RegExp, line: string): Promise<void> {
    const result = await type(line)
    assert.notEqual(result.code, 0, line)
    assert.deepEqual(result.out, [])
    assert.match(result.err.join('\n'), why)
  }
  const asHolder = `--agent ${granted.agentId} --key-file ${await file('agent.key', granted.agentKey)}`
  const asHelper = `--agent ${helper.id} --key-file ${await file('helper.key', helper.key)}`

  await t.test('names who may act for it, and whom that one may let act', async () => {
    const token = await good(`${asHolder} --may-act ${helper.id} --may-act ${job.id}`)
    assert.deepEqual(claimsOf(token)['may_act'], { sub: helper.id, may_act: { sub: job.id } })
    await refused(/--may-act must be an agent’s id/, `${asHolder} --may-act helper`)
  })

  await t.test(
    'is exchanged for a narrower one, by its holder or by who may act for it',
    async () => {
      const parent = await good(`${asHolder} --may-act ${helper.id}`)
      const from = await file('parent', parent)
      const own = claimsOf(await good(`${asHolder} --from ${from} --lifetime 60s`))
      assert.deepEqual(own['ancestors'], [claimsOf(parent)['jti']])
      assert.equal(Number(own['exp']) - Number(own['iat']), 60)
      const child = claimsOf(await good(`${asHelper} --from ${from}`))
      assert.deepEqual(child['act'], { sub: helper.id })
      await refused(
        /may_act does not name/,
        `${asHelper} --from ${await file('own', await granted.token())}`,
      )
      await refused(/does not cover/, `${asHelper} --from ${from} --verb volumeDelete`)
    },
  )

  await t.test('of a workload’s own needs no key, and shows who it is where it acts', async () => {
    await rule()
    const own = await file('workload', await capability())
    const narrowed = claimsOf(
      await good(`--agent ${granted.agentId} --without-key --from ${own} --lifetime 30s`),
    )
    assert.equal(Number(narrowed['exp']) - Number(narrowed['iat']), 30)
    const { id } = await rule({
      agent: job.id,
      conditions: [{ claim: 'repository_id', equals: '9' }],
    })
    const from = await file('for-job', await good(`${asHolder} --may-act ${job.id}`))
    const shown = await file('job.jwt', issuer.token({ ...jobClaims, repository_id: '9' }))
    const child = await good(`--agent ${job.id} --from ${from} --actor-token-file ${shown}`)
    assert.deepEqual(claimsOf(child)['act'], { sub: job.id, rule: id })
    await refused(
      /acts for another/,
      `--agent ${job.id} --from ${from} --actor-token-type capability --actor-token-file ${await file('child', child)}`,
    )
  })

  await t.test('is shown in one way, from files that are closed to others', async () => {
    const from = await file('open', await granted.token(), 0o644)
    await refused(/is not used: others may open it/, `${asHolder} --from ${from}`)
    await refused(/is not there/, `${asHolder} --from ${join(home, 'missing')}`)
    await refused(/is empty/, `${asHolder} --from ${await file('empty', '')}`)
    const agent = `--agent ${granted.agentId}`
    await refused(/go with --from/, `${agent} --without-key`)
    await refused(/go with --from/, `${agent} --actor-token-file ${from}`)
    await refused(/one shows who asks/, `${asHolder} --without-key --from ${from}`)
    await refused(/one shows who asks/, `${asHolder} --actor-token-file ${from} --from ${from}`)
    await refused(
      /goes with --actor-token-file/,
      `${asHolder} --from ${from} --actor-token-type jwt`,
    )
  })
})
