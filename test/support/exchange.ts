/** One request through the egress, and all that came of it. */
import type { Egress, EgressControl, EgressFailure, EgressRequest } from '../../src/proxy/egress.ts'

export type Exchanged = {
  readonly status: number | undefined
  readonly headers: readonly string[]
  readonly body: string
  readonly failure: EgressFailure | undefined
}

export function exchange(
  egress: Egress,
  origin: string,
  request: Partial<EgressRequest> = {},
  onHeaders?: (control: EgressControl) => void,
): Promise<Exchanged> {
  return new Promise((resolve) => {
    let status: number | undefined
    let headers: readonly string[] = []
    const chunks: Buffer[] = []
    const settle = (failure: EgressFailure | undefined) =>
      resolve({ status, headers, body: Buffer.concat(chunks).toString('latin1'), failure })
    egress.send(
      origin,
      { method: 'GET', target: '/', headers: {}, body: undefined, ...request },
      {
        onHeaders(answered, raw, control) {
          if (status !== undefined) throw new Error('the answer began twice')
          status = answered
          headers = raw
          onHeaders?.(control)
        },
        onData: (chunk) => chunks.push(chunk),
        onEnd: () => settle(undefined),
        onError: settle,
      },
    )
  })
}
