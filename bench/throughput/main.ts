/**
 * `npm run bench`: the broker beside what it could be replaced by, in one run, on the same upstream, under the same
 * load. Figures of shared machines mean nothing by themselves; the ratios are what is looked at.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { createPrivateKey, randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { folderOnDisk } from './disk.ts'
import { connections, generator, load, type Measured, type Target } from './load.ts'
import { measureUnderstanding, type Understanding } from '../understanding/measure.ts'
import { assertionOf, assertionType, type TestKey } from '../../test/support/client-assertion.ts'
import { publicUrl } from '../../test/support/federated.ts'
import { signToken } from '../../test/support/foreign-issuer.ts'
import { body, path } from './request.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    seconds: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
  },
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)

type Started = { child: ChildProcess; said: Record<string, string> }

function start(file: string, ...args: string[]): Promise<Started> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    child.once('message', (said) => resolve({ child, said: said as Record<string, string> }))
    child.once('exit', (code) => reject(new Error(`${file} ended with ${String(code)}`)))
  })
}

function ask<T>(child: ChildProcess, question: string): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (answer) => resolve(answer as T))
    child.once('exit', (code) =>
      reject(new Error(`a process of the bench ended with ${String(code)}`)),
    )
    child.send(question)
  })
}

// Where the broker’s process makes its database. The tests’ own choice is memory.
const folder = (process.env['TMPDIR'] = await folderOnDisk())

// Before anything else runs: these are measured in this process and in one of their own.
const understanding: Understanding = await measureUnderstanding()

const upstream = await start('upstream.ts')
const upstreamUrl = upstream.said['url'] ?? ''
const httpProxy = await start('http-proxy.ts', upstreamUrl)
const broker = await start('broker.ts', upstreamUrl)
const oidc = await start('oidc-provider.ts')
const brokerUrl = broker.said['url'] ?? ''

const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const cases: { name: string; target: Target }[] = [
  { name: 'upstream alone', target: { url: `${upstreamUrl}/graphql/v2`, headers: json, body } },
  {
    name: '@fastify/http-proxy',
    target: { url: `${httpProxy.said['url'] ?? ''}${path}`, headers: json, body },
  },
  {
    name: 'valetkey',
    target: {
      url: `${brokerUrl}${path}`,
      headers: { ...json, authorization: `Bearer ${broker.said['token'] ?? ''}` },
      body,
    },
  },
  {
    name: 'oidc-provider issuance',
    target: {
      url: `${oidc.said['url'] ?? ''}/token`,
      headers: form,
      body: 'grant_type=client_credentials&client_id=bench&client_secret=a-secret-of-the-bench-that-is-long-enough',
    },
  },
  {
    name: 'valetkey issuance',
    target: {
      url: `${brokerUrl}/oauth/token`,
      headers: form,
      body: `grant_type=client_credentials&client_id=${broker.said['agentId'] ?? ''}&client_secret=${broker.said['agentKey'] ?? ''}`,
    },
  },
]
const byKey = 'valetkey by private_key_jwt'
const byExchange = 'valetkey by token exchange'
// Assertions and subject tokens are good once: each request has its own, signed before the load begins.
if (generator === 'wrk') {
  const { agentId = '', privateKey = '', issuer = '', issuerKeyId, issuerKey = '' } = broker.said
  const target = { url: `${brokerUrl}/oauth/token`, headers: form, body: '' }
  const each = (fields: Record<string, string>) => new URLSearchParams(fields).toString()
  const agentsKey: TestKey = {
    algorithm: 'EdDSA',
    publicJwk: {},
    privateKey: createPrivateKey(privateKey),
  }
  const asserted = () =>
    each({
      grant_type: 'client_credentials',
      client_assertion_type: assertionType,
      client_assertion: assertionOf(agentsKey, agentId),
    })
  const issuersKey = createPrivateKey(issuerKey)
  const header = { alg: 'EdDSA', typ: 'JWT', kid: issuerKeyId }
  const exchanged = () => {
    const iat = Math.floor(Date.now() / 1000)
    const said = { iss: issuer, aud: publicUrl, sub: 'job', project: 'bench', jti: randomUUID() }
    return each({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token: signToken(issuersKey, 'EdDSA', header, { ...said, iat, exp: iat + 300 }),
    })
  }
  for (const [name, one] of [
    [byKey, asserted],
    [byExchange, exchanged],
  ] as const)
    cases.push({
      name,
      target: { ...target, bodies: (count) => Array.from({ length: count }, one) },
    })
}

process.stdout.write(
  `${generator}, ${String(connections)} connections, ${String(rounds)} rounds of ${String(seconds)} s each, body of ${String(body.length)} bytes, database in ${folder}\n\n`,
)
const best = new Map<string, Measured>()
const answered = { valetkey: 0, issuance: 0 }
// Interleaved, so that a neighbour's noise falls on all of them alike; the median round of each is what counts.
const all = new Map<string, Measured[]>(cases.map(({ name }) => [name, []]))
for (const { target } of cases) await load(target, 2).then((warm) => count(target.url, warm))
for (let round = 0; round < rounds; round++) {
  for (const { name, target } of cases) {
    const measured = await load(target, seconds)
    if (measured.refused > 0)
      throw new Error(`${name}: ${String(measured.refused)} requests were not answered with 2xx`)
    count(target.url, measured)
    all.get(name)?.push(measured)
  }
}
for (const [name, runs] of all) {
  const sorted = runs.toSorted((a, b) => a.requestsPerSecond - b.requestsPerSecond)
  const median = sorted[Math.floor(sorted.length / 2)]
  if (median !== undefined) best.set(name, median)
}

/** Where each request needs a body of its own. */
function withWrk(ratio: number): string {
  return generator === 'wrk' ? ratio.toFixed(2) : 'not without wrk'
}

function count(url: string, measured: Measured): void {
  if (url === `${brokerUrl}${path}`) answered.valetkey += measured.requests
  if (url === `${brokerUrl}/oauth/token`) answered.issuance += measured.requests
}

const rows = await ask<{ intents: number; outcomes: number; issued: number }>(broker.child, 'count')
const rate = (name: string): number => best.get(name)?.requestsPerSecond ?? 0
const ratios = {
  brokerToHttpProxy: rate('valetkey') / rate('@fastify/http-proxy'),
  brokerToUpstream: rate('valetkey') / rate('upstream alone'),
  issuanceToOidcProvider: rate('valetkey issuance') / rate('oidc-provider issuance'),
  byKeyToOidcProvider: rate(byKey) / rate('oidc-provider issuance'),
  byExchangeToOidcProvider: rate(byExchange) / rate('oidc-provider issuance'),
  ...understanding,
}
process.stdout.write(
  `${'case'.padEnd(29)}${'requests/s'.padStart(12)}${'p50 ms'.padStart(10)}${'p99 ms'.padStart(10)}\n`,
)
for (const [name, m] of best) {
  process.stdout.write(
    `${name.padEnd(29)}${m.requestsPerSecond.toFixed(0).padStart(12)}${m.p50Ms.toFixed(2).padStart(10)}${m.p99Ms.toFixed(2).padStart(10)}\n`,
  )
}
process.stdout.write(
  `\nvaletkey / @fastify/http-proxy   ${ratios.brokerToHttpProxy.toFixed(2)}  (at least 1.2)\n` +
    `issuance / oidc-provider         ${ratios.issuanceToOidcProvider.toFixed(2)}  (at least 1.0)\n` +
    `private_key_jwt / oidc-provider  ${withWrk(ratios.byKeyToOidcProvider)}\n` +
    `token exchange / oidc-provider   ${withWrk(ratios.byExchangeToOidcProvider)}\n` +
    `new document / graphql-js parse  ${understanding.documentToParse.toFixed(2)}  (at most 2)\n` +
    `same document / the same parse   ${understanding.documentAgainToParse.toFixed(2)}\n` +
    `all REST operations / ten        ${understanding.allOperationsToTen.toFixed(2)}  (at most 1.5)\n` +
    `all catalogues                   ${understanding.cataloguesMb.toFixed(1)} MB  (below 25), ${understanding.registryMs.toFixed(0)} ms of the start\n` +
    `requests ${String(answered.valetkey)}, intents ${String(rows.intents)}, outcomes ${String(rows.outcomes)}; issued ${String(rows.issued)} for ${String(answered.issuance)}\n`,
)
// The load generator hangs up in the middle of what is on its way: up to one request for each connection and run.
const slack = connections * (rounds + 1) + 1
const counted =
  rows.intents >= answered.valetkey &&
  rows.intents <= answered.valetkey + slack &&
  rows.outcomes === rows.intents &&
  rows.issued >= answered.issuance
if (values.json !== undefined) {
  writeFileSync(
    values.json,
    `${JSON.stringify({ cases: [...best].map(([name, m]) => ({ name, requestsPerSecond: m.requestsPerSecond, p50Ms: m.p50Ms, p99Ms: m.p99Ms })), ratios }, null, 2)}\n`,
  )
}
for (const { child } of [upstream, httpProxy, oidc, broker]) child.disconnect()
if (!counted) {
  process.stderr.write(
    'the audit does not have an intent and an outcome for every request that was answered\n',
  )
  process.exitCode = 1
}
