/** The real program as a child: `node src/main.ts …`, with nothing of our environment but what it is given. */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { adminPassword, type TestBroker } from './broker.ts'
import { until } from './until.ts'

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export type Exit = { readonly code: number | null; readonly signal: string | null }

export type Program = {
  readonly pid: number
  /** All it has written so far. */
  output(): string
  readonly exited: Promise<Exit>
  kill(signal: NodeJS.Signals): void
}

export function startProgram(
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): Program {
  const child = spawn(process.execPath, [program, ...args], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '/',
      LOG_LEVEL: 'info',
      NODE_NO_WARNINGS: '1',
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
    child.once('error', () => resolve({ code: null, signal: null }))
  })
  return {
    pid: child.pid ?? 0,
    output: () => output,
    exited,
    kill: (signal) => void child.kill(signal),
  }
}

export type BrokerProcess = Program & {
  readonly url: string
  /** Printed by the first start on a database. */
  readonly setupSecret: string | undefined
}

/** `serve`, once it says that it serves. Fails with what it printed where it ends instead. */
export async function startBrokerProcess(
  variables: Readonly<Record<string, string>>,
): Promise<BrokerProcess> {
  const port = await freePort()
  const running = startProgram(['serve'], { PORT: String(port), ...variables })
  let ended = false
  void running.exited.then(() => (ended = true))
  try {
    await until(
      'the broker serves',
      () => {
        if (ended) throw new Error('it ended')
        return /^Valetkey serves at .*\n[^]*?\n?$/m.test(running.output()) ? true : undefined
      },
      60_000,
    )
  } catch (error) {
    running.kill('SIGKILL')
    await running.exited
    throw new Error(`the broker did not start:\n${running.output().slice(-2_000)}`, {
      cause: error,
    })
  }
  return {
    ...running,
    url: `http://127.0.0.1:${String(port)}`,
    setupSecret: /^ {4}(vks_\S+)$/m.exec(running.output())?.[1],
  }
}

/** Sets the first operator's password and signs them in: what `grantOn` needs of a broker. */
export async function operatorOf(
  broker: Pick<BrokerProcess, 'url' | 'setupSecret'>,
): Promise<Pick<TestBroker, 'url' | 'api'>> {
  let bearer = ''
  const call: TestBroker['api'] = async <T>(
    method: string,
    path: string,
    body?: unknown,
    expected?: number,
  ): Promise<T> => {
    const response = await fetch(`${broker.url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (expected === undefined ? !response.ok : response.status !== expected)
      throw new Error(`${method} ${path} answered ${String(response.status)}: ${text}`)
    return (text === '' ? {} : JSON.parse(text)) as T
  }
  const name = 'admin'
  if (broker.setupSecret !== undefined)
    await call('POST', '/v1/setup', {
      name,
      setup_secret: broker.setupSecret,
      password: adminPassword,
    })
  const signedIn = await call<{ token: string }>('POST', '/v1/sign-in', {
    name,
    password: adminPassword,
  })
  bearer = signedIn.token
  return { url: broker.url, api: call }
}

/** Below the ports that systems hand out by themselves, so that nobody is given it before the broker takes it. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const port = randomInt(20_000, 32_000)
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (free) return port
  }
  throw new Error('there is no free port between 20000 and 32000')
}
