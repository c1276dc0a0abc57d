/** Tells those who hold a call open that an approval may have come to something. */
import { readApproval, type Approval } from '../approval/store.ts'
import type { Db } from '../db/open.ts'

export type ApprovalChanges = {
  /**
   * Resolves when the approval is no longer what it was, at `until` (milliseconds since the epoch), or when it is
   * aborted. Never rejects.
   */
  of(approval: Approval, until: number, signal?: AbortSignal): Promise<void>
  /** Something about approvals was committed, here or on another replica. */
  heard(): void
}

/** How long a change that nobody told of can go unnoticed, in milliseconds. */
const lookEvery = 1_000

export function createApprovalChanges(deps: {
  readonly db: Db
  /** Milliseconds since the epoch. */
  readonly now: () => number
}): ApprovalChanges {
  const waiting = new Set<() => void>()

  function next(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        waiting.delete(done)
        signal?.removeEventListener('abort', done)
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(done, ms)
      waiting.add(done)
      signal?.addEventListener('abort', done)
    })
  }

  return {
    async of(approval, until, signal) {
      for (;;) {
        const left = until - deps.now()
        if (left <= 0 || signal?.aborted === true) return
        await next(Math.min(left, lookEvery), signal)
        const present = await readApproval(deps.db, approval.id).catch(() => approval)
        if (present?.state !== approval.state) return
      }
    },
    heard() {
      for (const done of waiting) done()
    },
  }
}
