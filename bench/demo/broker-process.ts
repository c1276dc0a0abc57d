/**
 * The real program, as a child: `node src/main.ts serve` on a data directory of its own. It sees nothing of our
 * environment but the path, so that no DATABASE_URL of whoever runs the demo is ever touched.
 */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { readConfig } from '../../src/config.ts'
import { openStorage, type Storage } from '../../src/storage.ts'

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** In milliseconds. A first start makes a database cluster, which a slow disk can draw out. */
const startTimeout = 60_000
const stopTimeout = 20_000

export type BrokerProcess = {
  readonly url: string
  readonly setupSecret: string
  /** Everything it has written, to stdout and stderr. */
  readonly output: () => string
  /** The process of its PostgreSQL. */
  readonly postgres: number
  /** Ends it in good order and gives its exit code; where it does not end, by force. Idempotent. */
  readonly stop: () => Promise<number | null>
}

type Variables = Readonly<Record<string, string>>

function environment(dataDir: string, port: number, upstreams: string): Variables {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '/',
    PORT: String(port),
    // The more it writes, the more there is to search.
    LOG_LEVEL: 'debug',
    VALETKEY_DATA_DIR: dataDir,
    VALETKEY_UPSTREAMS: upstreams,
  }
}

/** `adopt` is given the means to stop it before it is known whether it starts. */
export async function startBroker(
  dataDir: string,
  upstreams: string,
  adopt: (stop: () => Promise<unknown>) => void,
): Promise<BrokerProcess> {
  const port = await freePort()
  const child = spawn(process.execPath, [program, 'serve'], {
    env: { ...environment(dataDir, port, upstreams) },
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => (output += text))
  }
  let ended = false
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      ended = true
      resolve(code)
    })
    child.once('error', () => {
      ended = true
      resolve(null)
    })
  })

  let stopping: Promise<number | null> | undefined
  const stop = (): Promise<number | null> => (stopping ??= stopNow())
  async function stopNow(): Promise<number | null> {
    child.kill('SIGTERM')
    const late = new AbortController()
    const giveUp = sleep(stopTimeout, undefined, { signal: late.signal }).then(
      () => child.kill('SIGKILL'),
      () => undefined,
    )
    const code = await exited
    late.abort()
    await giveUp
    if (code === 0) return code
    // Killed or crashed: its PostgreSQL may still run. Whoever takes the directory over finds it, and can end it.
    const left = await openStored(dataDir).catch(() => undefined)
    await left?.close()
    return code
  }
  adopt(stop)

  const deadline = performance.now() + startTimeout
  for (;;) {
    const setupSecret = /^ {4}(vks_\S+)$/m.exec(output)?.[1]
    if (setupSecret !== undefined) {
      const pidFile = await readFile(join(dataDir, 'pg', 'postmaster.pid'), 'utf8')
      return {
        url: `http://127.0.0.1:${String(port)}`,
        setupSecret,
        output: () => output,
        postgres: Number(pidFile.split('\n')[0]),
        stop,
      }
    }
    if (ended || performance.now() > deadline)
      throw new Error(`the broker did not start:\n${output.slice(-2_000)}`)
    await sleep(25)
  }
}

/** The database of a broker that has ended, opened once more as its keeper could. */
export function openStored(dataDir: string): Promise<Storage> {
  return openStorage(
    readConfig({ ...environment(dataDir, 1, 'railway=http://127.0.0.1:1') }),
    pino({ level: 'silent' }),
  )
}

/** Below the ports that systems hand out by themselves, so that nobody is given it before the broker takes it. */
async function freePort(): Promise<number> {
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
