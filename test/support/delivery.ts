/** `deliver` between two real servers on loopback: a provider that answers as it is told, and an agent that asks. */
import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { deliver, type Delivered } from '../../src/proxy/deliver.ts'
import { createEgress } from '../../src/proxy/egress.ts'
import type { Redaction } from '../../src/proxy/redaction.ts'
import { createScrubber } from '../../src/proxy/scrub.ts'

export type Exchanged = {
  /** What the agent got; undefined where it was given nothing, or broken off on the way. */
  readonly answer: Response | undefined
  readonly body: Buffer | undefined
  /** Every byte that came, also of an answer that broke off. */
  readonly seen: Buffer
  readonly delivered: Delivered
}

export type DeliveryStage = {
  exchange(
    provider: (request: IncomingMessage, response: ServerResponse) => void,
    redaction: Redaction | undefined,
    options?: {
      readonly method?: string
      /** Called when the agent has the first bytes of a body. */
      readonly onFirst?: () => void
      readonly onMinted?: (value: string) => Promise<string | undefined>
    },
  ): Promise<Exchanged>
}

/** The credential that goes out with each request. */
export const credential = 'mock_PAT-8sT3kQ9vLx2ZrB7nWd4YpGhE6uJcM1aF'

export async function openDeliveryStage(t: Pick<TestContext, 'after'>): Promise<DeliveryStage> {
  let provider: (request: IncomingMessage, response: ServerResponse) => void = () => undefined
  let edge: (response: ServerResponse) => void = () => undefined
  const upstream = http.createServer((request, response) => provider(request, response))
  const front = http.createServer((_request, response) => edge(response))
  for (const server of [upstream, front]) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  const originOf = (server: http.Server) =>
    `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  const origin = originOf(upstream)
  const egress = createEgress({ allowInternal: new Set([origin]) })
  t.after(async () => {
    await egress.close()
    for (const server of [upstream, front]) {
      server.closeAllConnections()
      server.close()
    }
  })
  return {
    async exchange(answers, redaction, options = {}) {
      provider = answers
      const method = options.method ?? 'GET'
      const { promise, resolve } = Promise.withResolvers<Delivered>()
      edge = (response) => {
        const finish = async (): Promise<void> => {
          const delivered = await deliver({
            egress,
            origin,
            request: { method, target: '/', headers: {}, body: undefined },
            scrubber: createScrubber(credential),
            correlationId: 'c-1',
            redaction,
            onMinted: options.onMinted ?? (() => Promise.resolve(undefined)),
            response: () => response,
            links: () => ({
              origins: [origin],
              path: '/',
              askedAt: 'http://broker',
              samePath: undefined,
            }),
          })
          // As the broker does it: a problem, where nothing has been given.
          if (delivered.failure !== undefined) response.writeHead(502).end()
          resolve(delivered)
        }
        void finish()
      }
      let answer: Response | undefined
      let whole = false
      const chunks: Uint8Array[] = []
      try {
        answer = await fetch(originOf(front), { method, redirect: 'manual' })
        for await (const chunk of answer.body ?? []) {
          chunks.push(chunk)
          if (chunks.length === 1) options.onFirst?.()
        }
        whole = true
      } catch {
        // Broken off: what the broker says of it is in `delivered`.
      }
      const delivered = await promise
      const seen = Buffer.concat(chunks)
      const given = delivered.failure === undefined
      return {
        answer: given ? answer : undefined,
        body: given && whole ? seen : undefined,
        seen,
        delivered,
      }
    },
  }
}
