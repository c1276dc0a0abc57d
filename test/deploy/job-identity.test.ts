/** What is shipped for CI jobs, run as a runner runs it: against a real broker, with the platform's own part played here. */
import { execFile } from 'node:child_process'
import { spawnSync } from 'node:child_process'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { jobClaims, openFederated, publicUrl, type Federated } from '../support/federated.ts'
import { read } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { railway } from '../support/world.ts'

const root = new URL('../../deploy/', import.meta.url)
const script = fileURLToPath(new URL('github-action/capability.sh', root))
const missing = ['curl', 'jq', 'sh'].filter(
  (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error !== undefined,
)
const skip = missing.length === 0 ? false : `${missing.join(' and ')} is not installed`

type Ran = { readonly code: number; readonly out: string; readonly err: string }

function run(args: readonly string[], env: Record<string, string>): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      'sh',
      args,
      { env: { PATH: process.env['PATH'] ?? '', ...env }, timeout: 60_000 },
      (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err })
      },
    )
  })
}

type Runner = {
  readonly env: Record<string, string>
  readonly asked: { readonly url: string; readonly authorization: string | undefined }[]
  outputs(): Promise<ReadonlyMap<string, string>>
}

/** GitHub's part: it gives a job tokens, a place for outputs, and a directory. */
async function openRunner(t: TestContext, world: Federated): Promise<Runner> {
  const asked: { url: string; authorization: string | undefined }[] = []
  const server = http.createServer((request, response) => {
    asked.push({ url: request.url ?? '', authorization: request.headers.authorization })
    const audience = new URL(request.url ?? '', 'http://x').searchParams.get('audience')
    response.end(JSON.stringify({ value: world.issuer.token({ ...jobClaims, aud: audience }) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const directory = await mkdtemp(path.join(tmpdir(), 'valetkey-job-'))
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await rm(directory, { recursive: true, force: true })
  })
  const output = path.join(directory, 'output')
  await writeFile(output, '')
  return {
    asked,
    env: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of-the-job',
      GITHUB_OUTPUT: output,
      RUNNER_TEMP: directory,
      VALETKEY_BROKER: world.broker.url,
      VALETKEY_AUDIENCE: publicUrl,
      VALETKEY_RENEW: 'false',
    },
    async outputs() {
      const lines = (await readFile(output, 'utf8')).split('\n').filter((line) => line !== '')
      return new Map(
        lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
      )
    },
  }
}

test(
  'the action gives the steps after it a masked capability that works, and its endpoint',
  { skip },
  async (t) => {
    const world = await openFederated(t)
    await world.rule()
    const runner = await openRunner(t, world)
    const env = {
      ...runner.env,
      VALETKEY_PROVIDER: 'railway',
      VALETKEY_VERBS: 'read',
      VALETKEY_LIFETIME: '60',
    }
    const ran = await run([script], env)
    assert.equal(ran.code, 0, ran.err)
    const outputs = await runner.outputs()
    const capability = outputs.get('capability') ?? ''
    assert.deepEqual(
      ran.out.split('\n')[0],
      `::add-mask::${capability}`,
      'masked before anything else',
    )
    assert.ok(!ran.out.slice(ran.out.indexOf('\n')).includes(capability))
    assert.match(ran.out, /A capability for railway, good for (60|59) seconds/)
    assert.equal(outputs.get('endpoint'), `${world.broker.url}/proxy/railway`)
    const file = outputs.get('capability-file') ?? ''
    assert.equal(await readFile(file, 'utf8'), capability)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.deepEqual(runner.asked, [
      {
        url: `/token?api-version=2.0&audience=${encodeURIComponent(publicUrl)}`,
        authorization: 'bearer of-the-job',
      },
    ])
    const answer = await railway(world.broker.url, capability, read)
    assert.equal(answer.status, 200, answer.text)
  },
)

test('the action renews the capability in its file while the job runs', { skip }, async (t) => {
  const world = await openFederated(t)
  await world.rule({ max_lifetime_seconds: 3 })
  const runner = await openRunner(t, world)
  const ran = await run([script], { ...runner.env, VALETKEY_RENEW: 'true' })
  assert.equal(ran.code, 0, ran.err)
  const outputs = await runner.outputs()
  const file = outputs.get('capability-file') ?? ''
  const pid = Number(await readFile(path.join(path.dirname(file), 'pid'), 'utf8'))
  t.after(() => process.kill(pid))
  const renewed = await until('the file has another capability', async () => {
    const now = await readFile(file, 'utf8')
    return now === outputs.get('capability') ? undefined : now
  })
  const answer = await railway(world.broker.url, renewed, read)
  assert.equal(answer.status, 200, answer.text)
})

test('the action says why there is none, and writes nothing', { skip }, async (t) => {
  const world = await openFederated(t)
  const runner = await openRunner(t, world)
  for (const [change, said] of [
    [{}, /no capability: invalid_request: the subject token is not accepted/],
    [{ VALETKEY_BROKER: 'http://broker.example' }, /must be an https URL/],
    [{ VALETKEY_BROKER: '' }, /must be an https URL/],
    [{ ACTIONS_ID_TOKEN_REQUEST_TOKEN: '' }, /id-token: write/],
    [{ VALETKEY_BROKER: 'http://127.0.0.1:1' }, /does not answer/],
    [{ VALETKEY_VERBS: '"],"x":["' }, /no capability/],
  ] as const) {
    const ran = await run([script], { ...runner.env, ...change })
    assert.equal(ran.code, 1)
    assert.match(ran.err, said)
    assert.equal(ran.out, '')
  }
  assert.equal((await runner.outputs()).size, 0)
})

test('the action hands its inputs to the script as variables, never as its text', async () => {
  const text = await readFile(new URL('github-action/action.yml', root), 'utf8')
  const action = parse(text) as {
    inputs: Record<string, unknown>
    runs: { using: string; steps: { run: string; env: Record<string, string> }[] }
  }
  assert.equal(action.runs.using, 'composite')
  for (const { run: line } of action.runs.steps) assert.ok(!line.includes('${{'))
  const given = Object.values(action.runs.steps[0]?.env ?? {}).join()
  for (const input of Object.keys(action.inputs))
    assert.ok(given.includes(`inputs.${input} `), input)
})

test(
  'the template gives a GitLab job a capability, as often as its rule allows',
  { skip },
  async (t) => {
    const world = await openFederated(t)
    await world.rule({ exchanges_per_token: 2 })
    const template = parse(
      await readFile(new URL('gitlab/valetkey.gitlab-ci.yml', root), 'utf8'),
    ) as {
      '.valetkey': { before_script: string[]; id_tokens: Record<string, { aud: string }> }
    }
    const job = template['.valetkey']
    assert.deepEqual(job.id_tokens, { VALETKEY_ID_TOKEN: { aud: '$VALETKEY_BROKER' } })
    const env = {
      VALETKEY_ID_TOKEN: world.issuer.token(jobClaims),
      VALETKEY_BROKER: world.broker.url,
      VALETKEY_PROVIDER: 'railway',
    }
    const before = `set -e\n${job.before_script.join('\n')}`
    const ran = await run(
      [
        '-c',
        `${before}\nvaletkey_capability; echo; echo "$VALETKEY_ENDPOINT"; valetkey_renew; valetkey_capability; env >&2`,
      ],
      env,
    )
    assert.equal(ran.code, 0, ran.err)
    const [first = '', endpoint, second = ''] = ran.out.split('\n')
    assert.equal(endpoint, `${world.broker.url}/proxy/railway`)
    assert.notEqual(first, second)
    for (const capability of [first, second]) {
      assert.equal((await railway(world.broker.url, capability, read)).status, 200)
      assert.ok(!ran.err.includes(capability), 'no program inherits it')
    }
    const third = await run(['-c', `${before}\nvaletkey_capability`], env)
    assert.equal(third.code, 1)
    assert.equal(third.out, '')
    assert.match(
      third.err,
      /no capability: invalid_request: this subject token was exchanged as often/,
    )
  },
)
