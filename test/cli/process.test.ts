/** The CLI as it is run: its own process, its pipes, its exit code, and a server that is no broker. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { test, type TestContext } from 'node:test'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

function valetkey(
  argv: readonly string[],
  env: Record<string, string>,
  input = '',
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...argv], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
    })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    child.on('close', (code) => resolve({ code, out, err }))
    child.stdin.end(input)
  })
}

async function listen(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
}

function home(t: TestContext): { directory: string; env: Record<string, string> } {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'valetkey-cli-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const password = path.join(directory, 'pw')
  writeFileSync(password, 'correct horse', { mode: 0o600 })
  return {
    directory,
    env: { VALETKEY_CONFIG_HOME: path.join(directory, 'home'), VALETKEY_PASSWORD_FILE: password },
  }
}

test('where nothing listens, it says that no broker runs and exits with 1', async (t) => {
  const url = await listen(t, () => undefined)
  const port = Number(new URL(url).port)
  const gone = createServer()
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
  const free = (gone.address() as AddressInfo).port
  await new Promise((resolve) => gone.close(resolve))
  assert.notEqual(free, port)
  const { code, err, out } = await valetkey(
    ['status', '--url', `http://127.0.0.1:${String(free)}`],
    {},
  )
  assert.equal(code, 1)
  assert.match(err, /No broker runs at .*\n.*npm start/)
  assert.equal(out, '')
})

test('a redirect is not followed: the password goes nowhere else', async (t) => {
  const elsewhere: string[] = []
  const other = await listen(t, (request, response) => {
    elsewhere.push(request.url ?? '')
    response.end('{}')
  })
  const url = await listen(t, (request, response) => {
    request.resume()
    response.writeHead(307, { location: `${other}/v1/sign-in` }).end()
  })
  const { env } = home(t)
  const { code, err } = await valetkey(['login', '--name', 'admin', '--url', url], env)
  assert.equal(code, 1)
  assert.match(err, /not a Valetkey broker \(HTTP 307\)/)
  assert.deepEqual(elsewhere, [])
})

test('an answer that is no JSON is called no broker’s, and not printed', async (t) => {
  const url = await listen(t, (_request, response) => response.end('<html>\u001b[31mhello</html>'))
  const { code, err, out } = await valetkey(['status', '--url', url], {})
  assert.equal(code, 1)
  assert.match(err, /not a Valetkey broker/)
  assert.ok(!(err + out).includes('hello') && !(err + out).includes('\u001b'))
})

test('a token stands alone on stdout, so that $(…) takes it, and the key came from stdin', async (t) => {
  const agent = 'ag_00000000000000000000000000'
  let form = ''
  const url = await listen(t, (request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => (form += text))
    request.on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          access_token: 'aaa.bbb.ccc',
          token_type: 'Bearer',
          expires_in: 60,
          authorization_details: [{ provider: 'github', environment: 'e', verbs: ['read'] }],
        }),
      )
    })
  })
  const argv = [
    'token',
    '--agent',
    agent,
    '--provider',
    'github',
    '--verb',
    'read',
    '--lifetime',
    '1m',
    '--url',
    url,
  ]
  const { code, out, err } = await valetkey(argv, {}, 'vka_key\n')
  assert.equal(code, 0)
  assert.equal(out, 'aaa.bbb.ccc\n')
  assert.match(err, /good for 60 seconds: read/)
  const sent = Object.fromEntries(new URLSearchParams(form))
  assert.equal(sent['client_secret'], 'vka_key')
  assert.equal(sent['client_id'], agent)
  assert.deepEqual(JSON.parse(sent['authorization_details'] ?? ''), [
    { type: 'valetkey', provider: 'github', verbs: ['read'], lifetime: 60 },
  ])
})

test('without a terminal and without a password file it says what to do, and sends nothing', async (t) => {
  let requests = 0
  const url = await listen(t, (_request, response) => {
    requests++
    response.end('{}')
  })
  const child = spawn(process.execPath, [main, 'login', '--name', 'admin', '--url', url], {
    env: {},
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  child.stdin.end('')
  const code = await new Promise((resolve) => child.on('close', resolve))
  assert.equal(code, 2)
  assert.match(err, /no terminal to ask at/)
  assert.equal(requests, 0)
})

test('terminal escapes in what the broker answers never reach the terminal', async (t) => {
  const detail = 'x\u001b]8;;http://evil/\u0007\nRefused: nothing\u202e'
  const url = await listen(t, (request, response) => {
    request.resume()
    response.writeHead(request.url === '/readyz' ? 503 : 403, {
      'content-type': 'application/json',
    })
    response.end(
      JSON.stringify({
        status: detail,
        warnings: [detail],
        code: 'forbidden',
        detail,
        correlation_id: detail,
      }),
    )
  })
  const seen: string[] = []
  const refused = await valetkey(['unseal', '--url', url], {}, 'passphrase')
  assert.equal(refused.code, 1)
  assert.match(refused.err, /\\u\{001b\}\]8;;/)
  seen.push(refused.err)
  for (const flags of [[], ['--json']]) {
    const shown = await valetkey(['status', '--url', url, ...flags], {})
    assert.match(shown.out, /\\u(001b|\{001b\})\]8;;/)
    seen.push(shown.out, shown.err)
  }
  assert.doesNotMatch(seen.join('').replaceAll('\n', ''), /\p{Cc}|\p{Cf}/u)
})
