/** `serve`: opens storage, key and broker, listens, and closes in order when it is told to. */
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { pino } from 'pino'
import { bootstrapOperator } from './bootstrap.ts'
import { openBroker, type Broker } from './broker.ts'
import type { Config } from './config.ts'
import { keyFileWarning } from './http/health.ts'
import { identitySettings } from './broker/identity.ts'
import { newId } from './ids.ts'
import { kekAtStart, openStorage, StartError } from './storage.ts'
import { registeredKek } from './vault/vault.ts'

/** How long requests that are on their way may take to end after SIGTERM, in milliseconds. */
const drainTime = 25_000

export async function serve(config: Config): Promise<void> {
  const log = pino({
    level: config.logLevel,
    redact: { paths: ['*.authorization', '*.password', '*.secret'], remove: true },
  })
  const storage = await openStorage(config, log)
  let broker: Broker | undefined
  try {
    broker = await openBroker({
      connection: storage.connection,
      alone: storage.alone,
      publicUrl: config.publicUrl,
      kekSource: config.kek.kind,
      upstreams: config.upstreams,
      tokenServices: config.tokenServices,
      identity: await identitySettings(config.oidc),
      passwords: config.passwords,
      app: {
        logger: log,
        tls:
          config.tls === undefined
            ? undefined
            : {
                cert: await readFile(config.tls.certFile),
                key: await readFile(config.tls.keyFile),
              },
      },
    })
    const registered = await registeredKek(broker.db)
    const { kek, madeFile } = await kekAtStart(config, storage, registered)
    if (kek !== undefined && config.kek.kind !== 'passphrase') {
      if ((await broker.unsealer.admit(kek, config.kek.kind)) === 'wrong') {
        throw new StartError(
          'the key-encryption key is not the one that this database was sealed under',
        )
      }
    }
    await listen(broker, config)
    // After the port is ours: a setup secret that was made and never printed could only be recovered from.
    const first = await bootstrapOperator(broker.db, Date.now())
    printWelcome(config, {
      first,
      madeFile,
      sealed: broker.vault.sealed,
      dataDir: storage.dataDir?.path,
    })
    if (broker.vault.sealed) void promptForPassphrase(broker)
  } catch (error) {
    await broker?.close()
    await storage.close()
    throw error
  }

  const running = broker
  let stopping = false
  async function stop(signal: string): Promise<void> {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'stopping: finishing what is on its way')
    const giveUp = setTimeout(() => {
      log.error('requests did not end in time; stopping without them')
      process.exit(1)
    }, drainTime)
    await running.close()
    await storage.close()
    clearTimeout(giveUp)
    process.exit(0)
  }
  process.on('SIGTERM', (signal) => void stop(signal))
  process.on('SIGINT', (signal) => void stop(signal))
}

async function listen(broker: Broker, config: Config): Promise<void> {
  try {
    await broker.app.listen({ port: config.port, host: config.host })
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
    const where = `${config.host}:${String(config.port)}`
    if (code === 'EADDRINUSE') {
      throw new StartError(`another program listens on ${where} already; set PORT to another port`)
    }
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
      throw new StartError(`the broker may not listen on ${where} (${code}); set HOST and PORT`)
    }
    throw error
  }
}

function printWelcome(
  config: Config,
  start: {
    first: { name: string; setupSecret: string } | undefined
    madeFile: string | undefined
    sealed: boolean
    dataDir: string | undefined
  },
): void {
  const lines = [`Valetkey serves at ${config.publicUrl}`]
  if (start.dataDir !== undefined) lines.push(`Its data directory is ${start.dataDir}`)
  if (start.madeFile !== undefined) lines.push(`A key-encryption key was made: ${start.madeFile}`)
  if (config.kek.kind === 'file') {
    lines.push(
      '',
      `Note: ${keyFileWarning}.`,
      'docs/operations.md shows a user of its own (systemd), the container, and a passphrase instead.',
    )
  }
  if (start.sealed)
    lines.push('', 'It is sealed: give the passphrase here, or run  npm run valetkey -- unseal')
  if (start.first !== undefined) {
    const { name, setupSecret } = start.first
    lines.push(
      '',
      `The first operator is "${name}". Setup secret, shown this once and good for a day:`,
      '',
      `    ${setupSecret}`,
      '',
      'Next, in another terminal:',
      '',
      `    npm run valetkey -- setup --name ${name}          # asks for the setup secret and a password`,
      `    npm run valetkey -- login --name ${name}`,
      '    npm run valetkey -- environment add acme/staging --bind github:repository:acme/app',
    )
  }
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** On a terminal, the passphrase can be typed where the broker was started. */
async function promptForPassphrase(broker: Broker): Promise<void> {
  if (!process.stdin.isTTY) return
  const terminal = createInterface({ input: process.stdin, output: process.stderr, terminal: true })
  // What is typed is not shown.
  Object.assign(terminal, { _writeToOutput: () => undefined })
  try {
    while (broker.vault.sealed) {
      process.stderr.write('Passphrase: ')
      const passphrase = await terminal.question('')
      process.stderr.write('\n')
      if (passphrase === '') continue
      const result = await broker.unsealer.unseal(passphrase, newId('correlation'))
      process.stderr.write(result === 'wrong' ? 'That is not the passphrase.\n' : 'Unsealed.\n')
    }
  } finally {
    terminal.close()
  }
}
