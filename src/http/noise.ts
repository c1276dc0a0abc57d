/**
 * Requests that nobody stands behind: counted, and written down as one entry for each kind and ten seconds, so that a
 * flood of them is on record and cannot fill the log (I2).
 */
import { clip } from '../audit/entry.ts'
import { newId } from '../ids.ts'
import type { Deps } from './deps.ts'

export type Noise = {
  /** `sample` is what one such request said, for whoever looks for a fault: the first of ten seconds is written down. */
  count(reason: string, sample?: string): void
  close(): void
}

const every = 10_000

/** `action` names the door at which it was heard, in the log. */
export function createNoise(deps: Pick<Deps, 'audit' | 'now'>, action: string): Noise {
  const counts = new Map<string, number>()
  const samples = new Map<string, string>()
  let timer: NodeJS.Timeout | undefined

  function write(): void {
    timer = undefined
    for (const [reason, count] of counts) {
      deps.audit.note({
        kind: 'system',
        result: 'refused',
        at: deps.now(),
        correlationId: newId('correlation'),
        actor: { kind: 'system', id: 'unauthenticated' },
        action,
        detail: `${reason} ×${String(count)}${samples.get(reason) ?? ''}`,
      })
    }
    counts.clear()
    samples.clear()
  }

  return {
    count(reason, sample) {
      if (sample !== undefined && !samples.has(reason)) samples.set(reason, `: ${clip(sample)}`)
      const known = counts.get(reason) ?? 0
      counts.set(reason, known + 1)
      if (timer === undefined) {
        timer = setTimeout(write, every)
        timer.unref()
      }
    },
    close() {
      clearTimeout(timer)
      if (counts.size > 0) write()
    },
  }
}
