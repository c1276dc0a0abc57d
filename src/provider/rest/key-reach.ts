/**
 * What a key proves to be where the key itself is the environment: whatever it reaches is inside, so it is only asked
 * whether the provider knows it.
 */
import type { Ask, Reach } from '../adapter.ts'

/** `path`: a reading operation that every such key may do. */
export function keyReach(name: string, path: string): (ask: Ask) => Promise<Reach> {
  return async (ask) => {
    const { status } = await ask({
      method: 'GET',
      target: path,
      headers: { accept: 'application/json' },
      body: undefined,
    })
    if (status === 401) return { kind: 'rejected', detail: `${name} does not know this key` }
    if (status === 200) return { kind: 'within' }
    return { kind: 'unknown', detail: `${name} answered ${String(status)} to ${path}` }
  }
}
