/** What came of a case, in the form that `--json` writes. */
import type { FileName } from './cases.ts'
import type { Received } from './upstream.ts'
import type { Watched } from './watch.ts'

export type UpstreamRequest = {
  /** The capability that the case was run with, where it was run with several. */
  readonly with?: string
  readonly line: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

export type Result = {
  readonly id: string
  readonly file: FileName
  readonly status: 'passed' | 'failed' | 'skipped'
  readonly expected: unknown
  readonly observed: unknown
  /** Without the broker's own look-ups. */
  readonly upstream: readonly UpstreamRequest[]
  /** What was not as it should be; why it was skipped; which limit it met. */
  readonly notes: readonly string[]
  /** What was decided where the case leaves it open, by the name of the decision. */
  readonly choices?: Readonly<Record<string, 'allow' | 'deny'>>
  /** True where it met a limit that is documented, and is allowed to. */
  readonly limit?: boolean
}

/** What a runner says of one case. */
export type Outcome = Omit<Result, 'id' | 'file' | 'status' | 'expected'>

export function skipped(reason: string): Outcome & { readonly skipped: true } {
  return { skipped: true, observed: null, upstream: [], notes: [reason] }
}

const longestBody = 2_000

export function upstreamOf(requests: readonly Received[], by?: string): readonly UpstreamRequest[] {
  return requests.map((request) => ({
    ...(by === undefined ? {} : { with: by }),
    line: request.line,
    headers: request.headers,
    body: request.body.subarray(0, longestBody).toString('utf8'),
  }))
}

/** The decision as the agent and the provider saw it. */
export function outcomeOf(watched: Watched): 'allow' | 'approval_required' | 'deny' | 'failed' {
  const { status, code, forwarded } = watched
  if (forwarded.length > 0) return status === undefined ? 'failed' : 'allow'
  if (code === 'approval_required') return 'approval_required'
  return status === undefined || (status >= 400 && status < 500) ? 'deny' : 'failed'
}

export function observedOf(watched: Watched) {
  return {
    outcome: outcomeOf(watched),
    status: watched.status ?? 'closed',
    ...(watched.code === undefined ? {} : { code: watched.code }),
    forwarded: watched.forwarded.length,
    lookups: watched.lookups,
    decisions: watched.decisions.length,
  }
}
