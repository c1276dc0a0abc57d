/**
 * What a credential can reach, asked of its provider: wider than its environment is a warning, and so is one that is not
 * accepted. One that goes out itself is asked about before it is stored. One that mints is stored first: minting may
 * replace its secret, and that must not be lost where storing fails afterwards; what is asked about is what was minted.
 */
import { bindingsAt, toEnvironment } from '../../directory/policy.ts'
import { readEnvironment } from '../../directory/environment.ts'
import type { EnvironmentId } from '../../ids.ts'
import type { MintRefusal } from '../../minting/kind.ts'
import { Problem } from '../../problem.ts'
import type { ProviderAdapter, Reach } from '../../provider/adapter.ts'
import type { SecretText } from '../../vault/secret-text.ts'
import { setReach, type Credential } from '../../vault/store.ts'
import type { Deps } from '../deps.ts'

type Place = {
  readonly environmentId: EnvironmentId
  readonly origin: string
  readonly style: string
}

export type AskReach = {
  /** Of a secret that goes out itself. */
  before(
    adapter: ProviderAdapter,
    secret: SecretText,
    target: Place,
    correlationId: string,
  ): Promise<Reach>
  /** Of what a stored credential mints; kept with it. */
  after(adapter: ProviderAdapter, credential: Credential, correlationId: string): Promise<void>
}

/** Until it has been asked. */
export const notAskedYet: Reach = {
  kind: 'unknown',
  detail: 'it mints what goes out, and has minted nothing yet',
}

/** How long what is minted for this should live, in seconds. */
const seconds = 900

export function createAskReach(deps: Deps): AskReach {
  async function environmentOf(environmentId: EnvironmentId) {
    const environment = await readEnvironment(deps.db, environmentId)
    if (environment === undefined) {
      throw new Problem('invalid_request', {
        detail: 'there is no such environment',
        errors: [{ pointer: '/environment', detail: 'names nothing' }],
      })
    }
    const { places } = toEnvironment(environment, (provider, kind, boundId) =>
      deps.providers.get(provider)?.bindingPlace(kind, boundId),
    )
    return { environment, places }
  }

  return {
    async before(adapter, secret, target, correlationId) {
      const { places } = await environmentOf(target.environmentId)
      return deps.prober.reach(adapter, secret, {
        origin: target.origin,
        style: target.style,
        bound: places.get(adapter.name) ?? new Set(),
        correlationId,
      })
    },
    async after(adapter, credential, correlationId) {
      const { environment, places } = await environmentOf(credential.environmentId)
      const bindings = bindingsAt(environment, adapter.name)
      const narrowing = { bindings, readOnly: true, seconds }
      const token = await deps.minter.tokenFor(credential, narrowing, correlationId)
      const reach = token.ok
        ? await deps.prober.reach(adapter, token.secret, {
            origin: credential.origin,
            style: credential.style,
            bound: places.get(adapter.name) ?? new Set(),
            scrubber: token.guard,
            correlationId,
          })
        : reachOfRefusal(token)
      // It is stored: where this cannot be kept, it is not known, and no reason to say that nothing was stored.
      await setReach(deps.db, credential.id, credential.version, reach).catch(() => undefined)
    },
  }
}

function reachOfRefusal({ why, detail }: MintRefusal): Reach {
  return why === 'rejected'
    ? { kind: 'rejected', detail: `nothing was minted: ${detail}` }
    : { kind: 'unknown', detail: `nothing was minted: ${detail}` }
}
