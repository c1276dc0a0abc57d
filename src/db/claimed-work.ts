/**
 * Work that stands in a table, of which each replica takes what it can do: looked for every second, and at once when
 * somebody knows of some. Guarantees: one look at a time, and none missed that was asked for during one; no more pieces
 * at once than was said; once `close` is back, nothing of it runs. That no two replicas take the same piece is `take`'s.
 */
export type ClaimedWork = {
  /** Looks at once, rather than when the next second is over. */
  wake(): void
  close(): Promise<void>
}

/** Milliseconds. */
const lookEvery = 1_000

export function createClaimedWork<W>(deps: {
  readonly mostAtOnce: number
  /** While it is, nobody looks: what is taken could not be opened. */
  readonly sealed: () => boolean
  /** What each look begins with, whether or not there is room for more. */
  readonly sweep: () => Promise<void>
  /** Takes one for this replica; undefined where there is none. */
  readonly take: () => Promise<W | undefined>
  /** Never rejects. */
  readonly work: (taken: W) => Promise<void>
}): ClaimedWork {
  const running = new Set<Promise<void>>()
  const state = { closed: false }
  let looking: Promise<void> | undefined
  let again = false

  async function look(): Promise<void> {
    await deps.sweep()
    while (!state.closed && running.size < deps.mostAtOnce) {
      const taken = await deps.take()
      if (taken === undefined) return
      const run = deps.work(taken).finally(() => {
        running.delete(run)
        wake()
      })
      running.add(run)
    }
  }

  function wake(): void {
    if (state.closed || deps.sealed()) return
    again = true
    looking ??= (async () => {
      while (again && !state.closed) {
        again = false
        // A database that is away is asked again in a second.
        await look().catch(() => undefined)
      }
      looking = undefined
    })()
  }

  const timer = setInterval(wake, lookEvery)
  timer.unref()
  return {
    wake,
    async close() {
      state.closed = true
      clearInterval(timer)
      await looking
      await Promise.all(running)
    },
  }
}
