/** Agents that keep asking until they are told to stop, or the broker is gone, and remember what they were answered. */
import { railwayIds } from '../../test/support/railway-world.ts'
import { railway } from '../../test/support/world.ts'

export type Answered = { readonly correlationId: string; readonly status: number }

export type Load = {
  readonly answered: readonly Answered[]
  /** Requests that were sent, answered or not. */
  readonly sent: () => number
  /** Resolves when every agent has stopped. */
  readonly stopped: Promise<void>
  stop(): void
}

let marker = 0

/** Every request is one of its kind, so that its digest tells it from every other. One in eight is to be refused. */
function nextBody(): string {
  const n = ++marker
  const id = n % 8 === 0 ? railwayIds.production : railwayIds.staging
  return JSON.stringify({ query: `{ r${String(n)}: environment(id: "${id}") { id name } }` })
}

export function startLoad(url: string, capability: string, agents: number): Load {
  const answered: Answered[] = []
  let sent = 0
  const stopping = new AbortController()
  async function agent(): Promise<void> {
    while (!stopping.signal.aborted) {
      sent++
      try {
        const { status, headers, json } = await railway(url, capability, nextBody())
        const correlationId = headers.get('valetkey-correlation-id') ?? json['correlation_id']
        answered.push({ correlationId: String(correlationId), status })
      } catch {
        // Cut off: the broker is gone.
        return
      }
    }
  }
  const stopped = Promise.all(Array.from({ length: agents }, agent)).then(() => undefined)
  return { answered, sent: () => sent, stopped, stop: () => stopping.abort() }
}
