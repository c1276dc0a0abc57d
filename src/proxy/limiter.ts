/**
 * Rate limits of grants: a token bucket for each, in this process. On several replicas a grant has its rate on each; a
 * shared count would cost every request a round trip to hold a limit that is there to slow a loop down.
 */
export type Limiter = {
  /** Whether one more request may pass now. `perMinute` null: no limit. */
  take(key: string, perMinute: number | null, now: number): boolean
}

type Bucket = { level: number; at: number; perMinute: number }

export function createLimiter(): Limiter {
  const buckets = new Map<string, Bucket>()
  return {
    take(key, perMinute, now) {
      if (perMinute === null) return true
      let bucket = buckets.get(key)
      if (bucket === undefined || bucket.perMinute !== perMinute) {
        bucket = { level: perMinute, at: now, perMinute }
        buckets.set(key, bucket)
      }
      // A clock that jumps back must not refill, nor one that jumps ahead overfill.
      const elapsed = Math.max(0, now - bucket.at)
      bucket.level = Math.min(perMinute, bucket.level + (elapsed * perMinute) / 60_000)
      bucket.at = now
      if (bucket.level < 1) return false
      bucket.level -= 1
      return true
    },
  }
}
