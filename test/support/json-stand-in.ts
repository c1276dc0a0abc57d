/** A provider on loopback that answers JSON, and keeps a record of every request that reached it. */
import { startRecordedServer } from './recorded-server.ts'

export type StandInRequest = {
  readonly method: string
  /** Path and query, as they came. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export type StandIn = {
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string
  readonly requests: readonly StandInRequest[]
  close(): Promise<void>
}

/** `unrecorded`: the broker's own questions that no test counts. */
export async function startJsonStandIn(
  answer: (request: StandInRequest) => {
    readonly status: number
    readonly json: unknown
    readonly headers?: Readonly<Record<string, string>>
  },
  unrecorded: (request: StandInRequest) => boolean = () => false,
): Promise<StandIn> {
  const requests: StandInRequest[] = []
  const server = await startRecordedServer(async (recorded) => {
    const request = { ...recorded, body: recorded.body.toString() }
    if (!unrecorded(request)) requests.push(request)
    return Promise.resolve({ headers: {}, ...answer(request) })
  })
  return { origin: server.origin, requests, close: () => server.close() }
}
