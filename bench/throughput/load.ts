/** The load: wrk where it is installed, else autocannon; the same one for every case of a run. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

export type Target = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** In place of `body`: that many bodies, each sent once, where the same one twice would be refused. */
  readonly bodies?: (count: number) => readonly string[]
}

export type Measured = {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Requests that were answered. */
  readonly requests: number
  /** Of these, answers other than 2xx. */
  readonly refused: number
}

export const connections = 32
export const generator = spawnSync('wrk', ['--version']).error === undefined ? 'wrk' : 'autocannon'

/** More than is answered in a second, by any of those that are compared. */
const mostPerSecond = 10_000

export function load(target: Target, seconds: number): Promise<Measured> {
  return generator === 'wrk' ? withWrk(target, seconds) : withAutocannon(target, seconds)
}

async function run(file: string, args: readonly string[]): Promise<string> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  for await (const chunk of child.stdout) output += String(chunk)
  return output
}

async function withWrk(target: Target, seconds: number): Promise<Measured> {
  const folder = mkdtempSync(path.join(tmpdir(), 'valetkey-bench-'))
  const script = path.join(folder, 'request.lua')
  const headers = Object.entries(target.headers).map(
    ([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`,
  )
  const each = target.bodies?.(mostPerSecond * seconds)
  const file = path.join(folder, 'bodies')
  if (each !== undefined) writeFileSync(file, each.join('\n'))
  writeFileSync(
    script,
    [
      'wrk.method = "POST"',
      `wrk.body = ${JSON.stringify(target.body)}`,
      ...headers,
      ...(each === undefined ? [] : eachOnce(file)),
      'done = function(summary, latency)',
      '  local bad = summary.errors.status',
      '  io.write(string.format("RESULT %d %d %d %.3f %.3f\\n", summary.requests, bad, summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000))',
      'end',
    ].join('\n'),
  )
  try {
    const output = await run('wrk', [
      '-t1',
      `-c${String(connections)}`,
      `-d${String(seconds)}s`,
      '-s',
      script,
      target.url,
    ])
    const match = /RESULT (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+)/.exec(output)
    if (match === null) throw new Error(`wrk said nothing that could be read:\n${output}`)
    const [, requests = '0', refused = '0', microseconds = '1', p50 = '0', p99 = '0'] = match
    return {
      requestsPerSecond: Number(requests) / (Number(microseconds) / 1e6),
      p50Ms: Number(p50),
      p99Ms: Number(p99),
      requests: Number(requests),
      refused: Number(refused),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** For wrk: the lines of a file, one a request. After the last, bodies are empty, and refused. */
function eachOnce(file: string): readonly string[] {
  return [
    'local bodies, sent = {}, 0',
    `for line in io.lines(${JSON.stringify(file)}) do bodies[#bodies + 1] = line end`,
    'request = function()',
    '  sent = sent + 1',
    '  return wrk.format(nil, nil, nil, bodies[sent] or "")',
    'end',
  ]
}

async function withAutocannon(target: Target, seconds: number): Promise<Measured> {
  const binary = new URL('../../node_modules/autocannon/autocannon.js', import.meta.url).pathname
  if (target.bodies !== undefined)
    throw new Error('autocannon sends one body over and over: install wrk for this case')
  const headers = Object.entries(target.headers).flatMap(([name, value]) => [
    '-H',
    `${name}=${value}`,
  ])
  const output = await run(process.execPath, [
    binary,
    '-j',
    '-n',
    '-c',
    String(connections),
    '-d',
    String(seconds),
    '-m',
    'POST',
    ...headers,
    '-b',
    target.body,
    target.url,
  ])
  const result = JSON.parse(output) as {
    requests: { total: number }
    latency: { p50: number; p99: number }
    duration: number
    non2xx: number
  }
  return {
    requestsPerSecond: result.requests.total / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    requests: result.requests.total,
    refused: result.non2xx,
  }
}
