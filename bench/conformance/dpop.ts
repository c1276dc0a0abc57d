/**
 * The cases about capabilities that are bound to a key: the driver has the key, and changes the proof, or does without, as
 * a case says.
 */
import { randomUUID } from 'node:crypto'
import { dpopClient, dpopKey, signProof, athOf } from '../../test/support/dpop.ts'
import { number, object, text, type Json } from './cases.ts'
import { probeBytes, probes } from './probe.ts'
import { headerOf, send, type Exchange } from './wire.ts'
import type { Wanted, World } from './world.ts'

export type Bound = {
  readonly token: string
  /** What a case has had done before, which must be taken: it is about the second time. */
  first(probe: string): Promise<void>
  /** The requests of a case, each as its bytes, made when it is sent: a proof is good for a minute only. */
  attempts(probe: string): AsyncGenerator<Buffer>
  /** Takes note of the nonce that an answer tells. */
  told(exchange: Exchange): void
  /** How many there are. */
  readonly count: number
  /** What must stand nowhere in the log. */
  readonly secret: string
}

const publicUrl = 'http://localhost:8474'

/** Undefined where a step is not known here. */
export async function prepareBound(
  world: World,
  wanted: Wanted,
  steps: readonly Json[],
  mostInFlood: number,
): Promise<Bound | undefined> {
  const { agent, brokers } = world
  const key = await dpopKey('EdDSA')
  const client = dpopClient(key, brokers.first.url, publicUrl)
  const plain = await world.fresh(wanted)
  const claims = JSON.parse(Buffer.from(plain.split('.')[1] ?? '', 'base64url').toString()) as {
    grant: string
  }
  const token = await client.token(agent.id, agent.key, { grant: claims.grant })
  world.alsoIssued(token)
  const [step = {}] = steps
  const op = text(step['op'])
  const known = ['dpop_omit', 'dpop_reuse', 'dpop_jwk_private', 'dpop_iat', 'dpop_flood']
  if (steps.length !== 1 || op === undefined || !known.includes(op)) return undefined
  const count = op === 'dpop_flood' ? Math.min(number(step['times']) ?? 1, mostInFlood) : 1

  function request(probe: string, proof: string | undefined): Buffer {
    const { port } = brokers.first
    const bytes = probeBytes(world, probe, token, port).toString('latin1')
    const field = proof === undefined ? '' : `\r\nDPoP: ${proof}`
    return Buffer.from(
      bytes.replace(`Authorization: Bearer ${token}`, `Authorization: DPoP ${token}${field}`),
      'latin1',
    )
  }
  function proof(probe: string, changes: Json, header: Json = {}): Promise<string> {
    const [method = '', path = ''] = (probes[probe]?.(world.values).line ?? '').split(' ')
    const { htu = '', ...rest } = changes as { htu?: string }
    const own = {
      htm: method,
      htu: `${publicUrl}${path}${htu.replace(/^\+/, '')}`,
      ath: athOf(token),
      nonce: client.nonce,
    }
    return signProof(key, { ...own, ...rest }, header)
  }

  const jti = randomUUID()
  return {
    token,
    async first(probe) {
      if (op !== 'dpop_reuse') return
      const good = request(probe, await proof(probe, { jti }))
      const used = await send(brokers.first.port, [good], { answers: 1, idle: 5_000 })
      if (used.answers[0]?.status !== 200) throw new Error('a good proof was not taken')
    },
    told({ answers }) {
      for (const answer of answers) client.nonce = headerOf(answer, 'dpop-nonce') ?? client.nonce
    },
    count,
    secret: String(key.privateJwk.d),
    async *attempts(probe) {
      switch (op) {
        case 'dpop_omit':
          yield request(probe, undefined)
          return
        case 'dpop_jwk_private':
          yield request(probe, await proof(probe, {}, { jwk: key.privateJwk }))
          return
        case 'dpop_iat': {
          const iat = Math.floor(Date.now() / 1000) + (number(step['seconds']) ?? 0)
          yield request(probe, await proof(probe, { iat }))
          return
        }
        case 'dpop_reuse':
          yield request(probe, await proof(probe, { jti, ...object(step['mutate']) }))
          return
        case 'dpop_flood':
          for (let i = 0; i < count; i++) yield request(probe, await proof(probe, {}))
      }
    },
  }
}

/** A few requests of a flood on each connection, and a few connections at a time, as a client with a pool would. */
export async function sendBound(port: number, bound: Bound, probe: string): Promise<Exchange[]> {
  const exchanges: Exchange[] = []
  const attempts = bound.attempts(probe)
  async function worker(): Promise<void> {
    for (;;) {
      const pieces: Buffer[] = []
      while (pieces.length < 20) {
        const next = await attempts.next()
        if (next.done === true) break
        pieces.push(next.value)
      }
      if (pieces.length === 0) return
      const exchange = await send(port, pieces, { answers: pieces.length, idle: 10_000 })
      bound.told(exchange)
      exchanges.push(exchange)
    }
  }
  await Promise.all(Array.from({ length: bound.count > 1 ? 8 : 1 }, worker))
  return exchanges
}
