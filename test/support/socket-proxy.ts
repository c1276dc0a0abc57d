/** A wire between a broker and its PostgreSQL that can be cut: connections broken and refused, or left hanging. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Connection } from '../../src/db/open.ts'

type SocketConnection = Extract<Connection, { kind: 'socket' }>

export type SocketProxy = {
  readonly connection: SocketConnection
  /** Breaks what there is and refuses what comes. */
  cut(): void
  /** Lets nothing through any more and says nothing about it, as a network does that drops packets. */
  hang(): void
  /** New connections come through again; those that hang go on hanging. */
  mend(): void
}

export async function openSocketProxy(
  t: TestContext,
  target: SocketConnection,
): Promise<SocketProxy> {
  const directory = await mkdtemp(join(tmpdir(), 'vk-wire-'))
  const name = `.s.PGSQL.${String(target.port)}`
  const pairs = new Set<readonly [Socket, Socket]>()
  let mode: 'through' | 'cut' | 'hang' = 'through'
  const server = createServer((near) => {
    near.on('error', () => near.destroy())
    if (mode === 'cut') {
      near.destroy()
      return
    }
    if (mode === 'hang') {
      hanging.add(near)
      return
    }
    const far = connect(join(target.directory, name))
    const pair = [near, far] as const
    pairs.add(pair)
    far.on('error', () => far.destroy())
    near.pipe(far)
    far.pipe(near)
    const end = (): void => {
      pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    near.on('close', end)
    far.on('close', end)
  })
  const hanging = new Set<Socket>()
  server.listen(join(directory, name))
  await once(server, 'listening')
  t.after(async () => {
    server.close()
    for (const [near] of pairs) near.destroy()
    for (const near of hanging) near.destroy()
    await rm(directory, { recursive: true, force: true })
  })
  return {
    connection: { ...target, directory },
    cut() {
      mode = 'cut'
      for (const [near] of pairs) near.destroy()
    },
    hang() {
      mode = 'hang'
      for (const [near, far] of pairs) {
        near.unpipe(far)
        far.unpipe(near)
        near.pause()
        far.pause()
      }
    },
    mend() {
      mode = 'through'
    },
  }
}
