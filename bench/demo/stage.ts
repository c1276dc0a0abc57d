/**
 * The stage: a directory that is gone afterwards, a stand-in for Railway, and a broker between it and everybody else.
 * Whatever is opened is taken down again in reverse, whether the story ended, failed, or was interrupted.
 */
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startRailwayStandIn, type RailwayStandIn } from '../../test/support/railway-stand-in.ts'
import { railwayWorld, type RailwayWorld } from '../../test/support/railway-world.ts'
import { startBroker, type BrokerProcess } from './broker-process.ts'

export type Stage = {
  /** The provider's real token: an account's, which can do everything. Different each time. */
  readonly secret: string
  readonly world: RailwayWorld
  readonly standIn: RailwayStandIn
  readonly broker: BrokerProcess
  /** What is removed in the end; the data directory is in it. */
  readonly base: string
  readonly dataDir: string
}

export type Props = {
  /**
   * Takes down what stands, last first. Each step is tried, whatever became of the one before. `pending` is what may
   * still be putting something up; it is given the time to fail, and what it put up meanwhile is taken down too.
   */
  takeDown(pending?: Promise<unknown>): Promise<void>
  /** Keeps how to undo something, or undoes it at once where everything is being taken down already. */
  keep(step: () => Promise<unknown>): Promise<void>
  open(): Promise<Stage>
}

/** What was interrupted is waited for no longer than this, in milliseconds. */
const patience = 20_000

export function createProps(): Props {
  const steps: (() => Promise<unknown>)[] = []
  let base: string | undefined
  let takingDown = false

  async function sweep(): Promise<void> {
    for (let step = steps.pop(); step !== undefined; step = steps.pop())
      await step().catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
  }

  async function keep(step: () => Promise<unknown>): Promise<void> {
    steps.push(step)
    if (!takingDown) return
    await sweep()
    throw new Error('interrupted')
  }

  return {
    keep,
    async takeDown(pending = Promise.resolve()) {
      takingDown = true
      await sweep()
      const settled = new AbortController()
      const late = sleep(patience, undefined, { signal: settled.signal })
      await Promise.race([pending, late]).catch(() => undefined)
      settled.abort()
      late.catch(() => undefined)
      await sweep()
      if (base !== undefined) await rm(base, { recursive: true, force: true, maxRetries: 5 })
    },
    async open() {
      // Root's own temporary directory may be closed to the user that PostgreSQL runs as then.
      const parent = await realpath(process.getuid?.() === 0 ? '/tmp' : tmpdir())
      const made = await mkdtemp(join(parent, 'valetkey-demo-'))
      base = made
      if (takingDown) throw new Error('interrupted')
      // That user passes through it, and cannot list it.
      await chmod(made, 0o711)

      const secret = `rw_${randomBytes(24).toString('base64')}`
      const world = railwayWorld()
      const standIn = await startRailwayStandIn(world, {
        token: { kind: 'account', value: secret },
      })
      await keep(() => standIn.close())

      const dataDir = join(made, 'data')
      const pending: Promise<void>[] = []
      const broker = await startBroker(dataDir, `railway=${standIn.origin}`, (stop) =>
        pending.push(keep(stop)),
      )
      await Promise.all(pending)
      return { secret, world, standIn, broker, base: made, dataDir }
    },
  }
}
