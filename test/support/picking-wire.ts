/**
 * A wire between a broker and its PostgreSQL on which single connections can be silenced, told apart by what the broker
 * sends over them: so that it loses the feed of revocations, and goes on reading and writing everything else.
 */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Connection } from '../../src/db/open.ts'

type SocketConnection = Extract<Connection, { kind: 'socket' }>

/** What the feed alone sends: on the one that it listens on, and on the one that it polls by. */
export const listening = 'listen valetkey_revision'
export const polling = 'from revision'

export type PickingWire = {
  readonly connection: SocketConnection
  /** Breaks each connection over which one of these is sent, from now on and at once where it was sent before. */
  sever(...said: readonly string[]): void
  /** Swallows what is sent over them, and says nothing about it; without an argument, on every connection. */
  silence(...said: readonly string[]): void
  /** How many connections were severed or silenced so far. */
  readonly lost: number
  /** New connections come through again; those that are silent stay so. */
  mend(): void
}

type Fault = 'sever' | 'silence'
type Line = { readonly near: Socket; readonly far: Socket; readonly said: Set<string> }

export async function openPickingWire(
  t: TestContext,
  target: SocketConnection,
): Promise<PickingWire> {
  const directory = await mkdtemp(join(tmpdir(), 'vk-wire-'))
  const name = `.s.PGSQL.${String(target.port)}`
  const lines = new Set<Line>()
  const silent = new Set<Line>()
  let picked: ReadonlyMap<string, Fault> = new Map()
  let all = false
  let lost = 0

  function end(line: Line): void {
    lines.delete(line)
    silent.delete(line)
    line.near.destroy()
    line.far.destroy()
  }
  function strike(line: Line, fault: Fault): void {
    lost++
    if (fault === 'sever') return end(line)
    silent.add(line)
  }
  /** A statement that was prepared is named by its name alone after that: a line is known by all it ever said. */
  function faultOf({ said }: Line): Fault | undefined {
    return all ? 'silence' : [...said].map((each) => picked.get(each)).find((each) => each)
  }

  const server = createServer((near) => {
    const far = connect(join(target.directory, name))
    const line: Line = { near, far, said: new Set() }
    lines.add(line)
    if (all) strike(line, 'silence')
    near.on('data', (sent) => {
      for (const each of [listening, polling]) if (sent.includes(each)) line.said.add(each)
      const fault = faultOf(line)
      if (fault !== undefined && !silent.has(line)) strike(line, fault)
      if (!silent.has(line) && lines.has(line)) far.write(sent)
    })
    far.on('data', (answer) => {
      if (!silent.has(line)) near.write(answer)
    })
    for (const each of [near, far]) {
      each.on('error', () => end(line))
      each.on('close', () => end(line))
    }
  })
  server.listen(join(directory, name))
  await once(server, 'listening')
  t.after(async () => {
    server.close()
    for (const line of lines) end(line)
    await rm(directory, { recursive: true, force: true })
  })

  function pick(fault: Fault, said: readonly string[]): void {
    all = said.length === 0
    picked = new Map(said.map((each) => [each, fault]))
    for (const line of lines) {
      const one = faultOf(line)
      if (one !== undefined && !silent.has(line)) strike(line, one)
    }
  }
  return {
    connection: { ...target, directory },
    sever: (...said) => pick('sever', said),
    silence: (...said) => pick('silence', said),
    get lost() {
      return lost
    },
    mend() {
      all = false
      picked = new Map()
    },
  }
}
