/** Disable, enable and revoke: the same three routes for environments, agents, grants and credentials. */
import type { Tx } from '../../db/open.ts'
import type { State } from '../../db/types.ts'
import type { IdKind } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import type { Deps } from '../deps.ts'
import { requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Empty, idParams, Password } from '../schemas.ts'
import { commit } from './change.ts'

const acts: readonly {
  readonly act: 'disable' | 'enable' | 'revoke'
  readonly state: State
  readonly does: string
}[] = [
  { act: 'disable', state: 'disabled', does: 'until it is enabled again' },
  { act: 'enable', state: 'active', does: 'after it was disabled' },
  { act: 'revoke', state: 'revoked', does: 'for ever' },
]

export function stateRoutes(
  app: App,
  deps: Deps,
  options: {
    readonly kind: Extract<
      IdKind,
      'environment' | 'agent' | 'grant' | 'credential' | 'trustIssuer' | 'trustRule'
    >
    readonly path: string
    readonly set: (tx: Tx, id: string, state: State) => Promise<'changed' | 'not_found' | 'revoked'>
  },
): void {
  const { kind, path } = options
  const title = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`
  const noun = kind.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  for (const { act, state, does } of acts) {
    app.post(
      `${path}/:id/${act}`,
      {
        config: { action: `${noun.replace(' ', '_')}.${act}`, roles: ['admin'] },
        schema: {
          operationId: `${act}${title}`,
          summary: `${act.charAt(0).toUpperCase()}${act.slice(1)} this ${noun}, ${does}`,
          params: idParams(kind),
          // Enabling gives back what was taken away, so it asks like minting does; taking away is never slowed down.
          body: act === 'enable' ? closed({ password: Password }) : Empty,
          response: answers(200, Empty),
        },
      },
      async (request) => {
        if (act === 'enable') {
          await requirePassword(deps, request, (request.body as { password: string }).password)
        }
        const { id } = request.params
        await commit(deps, request, async (tx) => {
          const result = await options.set(tx, id, state)
          if (result === 'not_found')
            throw new Problem('not_found', `there is no ${noun} of this id`)
          if (result === 'revoked')
            throw new Problem(
              'conflict',
              `this ${noun} was revoked, which is for ever: make a new one`,
            )
          return { value: undefined, subject: id, change: { state } }
        })
        return {}
      },
    )
  }
}
