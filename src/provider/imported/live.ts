/**
 * The providers there are at this moment: those that ship, which nothing can replace, and the operators' own. One map,
 * changed in place, so that whoever holds it sees what is so now.
 */
import type { ProviderAdapter } from '../adapter.ts'
import { importedAdapter, type Imported } from './adapter.ts'

export type LiveProviders = {
  readonly view: ReadonlyMap<string, ProviderAdapter>
  /**
   * Reads what there is, and hands back the act of putting it into effect: the caller does that together with whatever
   * else must change in the same moment. Rejects where it cannot be read.
   */
  read(): Promise<() => void>
}

export function createLiveProviders(
  shipped: ReadonlyMap<string, ProviderAdapter>,
  stored: {
    /** The active ones. */
    readonly list: () => Promise<readonly Imported[]>
    readonly catalogue: (name: string, version: string) => Promise<string | undefined>
  },
): LiveProviders {
  const view = new Map(shipped)
  return {
    view,
    async read() {
      const own = new Map<string, ProviderAdapter>()
      for (const imported of await stored.list()) {
        const { name, version } = imported
        if (shipped.has(name)) continue
        const known = view.get(name)
        if (known?.catalogueVersion === version) {
          own.set(name, known)
          continue
        }
        const catalogue = await stored.catalogue(name, version)
        // Replaced between the two questions: the change that did it is still to be heard of.
        if (catalogue !== undefined)
          own.set(
            name,
            importedAdapter(imported, () => catalogue),
          )
      }
      return () => {
        for (const name of view.keys()) if (!shipped.has(name)) view.delete(name)
        for (const [name, adapter] of own) view.set(name, adapter)
      }
    },
  }
}
