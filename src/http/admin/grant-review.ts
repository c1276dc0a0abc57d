/**
 * Reviewing a grant against the present catalogue: what came or changed since, and an admin's word that it may be covered
 * by the grant's effect sets and prefixes from now on. The word names the version whose operations were looked at.
 */
import Type from 'typebox'
import { verbCovers } from '../../core/grant.ts'
import { changeSince, reviewedVersion } from '../../core/reviewed.ts'
import { readGrant, updateGrant, type Grant } from '../../directory/grant.ts'
import { keepCatalogueVersion, readCatalogueVersion } from '../../directory/provider.ts'
import type { GrantId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import type { ProviderAdapter } from '../../provider/adapter.ts'
import type { Deps } from '../deps.ts'
import { requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Effect, id, idParams, Password } from '../schemas.ts'
import { commit } from './change.ts'
import { GrantView, grantView } from './grant-shape.ts'

const Version = Type.String({ pattern: '^[0-9a-f]{16,128}$' })

const ReviewView = closed({
  grant: id('grant'),
  reviewed: Type.String({ description: 'The version it was reviewed against.' }),
  present: Type.String({ description: 'The version there is now.' }),
  operations: Type.Array(
    closed({
      name: Type.String(),
      effects: Type.Array(Effect),
      change: Type.Union([Type.Literal('new'), Type.Literal('changed')]),
      covers: Type.Boolean({ description: 'Whether this grant would cover it, once reviewed.' }),
    }),
  ),
})

export function grantReviewRoutes(app: App, deps: Deps): void {
  async function find(grantId: string): Promise<{ grant: Grant; adapter: ProviderAdapter }> {
    const grant = await readGrant(deps.db, grantId as GrantId)
    if (grant === undefined) throw new Problem('not_found', 'there is no grant of this id')
    const adapter = deps.providers.get(grant.provider)
    if (adapter === undefined)
      throw new Problem('conflict', `this broker has no provider "${grant.provider}"`)
    return { grant, adapter }
  }

  app.get(
    '/v1/grants/:id/review',
    {
      config: { action: 'grant.unreviewed', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'readGrantReview',
        summary: 'List what came or changed in the catalogue since this grant was reviewed',
        params: idParams('grant'),
        response: answers(200, ReviewView),
      },
    },
    async (request) => {
      const { grant, adapter } = await find(request.params.id)
      const present = adapter.catalogueVersion
      const reviewed = await readCatalogueVersion(deps.db, grant.provider, grant.catalogueVersion)
      const operations =
        grant.catalogueVersion === present
          ? []
          : [...adapter.operations()].flatMap((entry) => {
              const change = changeSince(reviewed ?? {}, entry)
              if (change === undefined) return []
              const { name, effects, root } = entry
              const invocation = {
                operation: name,
                ...(root === undefined ? {} : { root }),
                effects,
                added: [],
                scope: entry.scope,
                arguments: {},
                resources: [],
                widens: [],
              }
              const covers = grant.verbs.some((verb) => verbCovers(verb, invocation))
              return [{ name, effects: [...effects], change, covers }]
            })
      return { grant: grant.id, reviewed: grant.catalogueVersion, present, operations }
    },
  )

  app.post(
    '/v1/grants/:id/review',
    {
      config: { action: 'grant.review', roles: ['admin'] },
      schema: {
        operationId: 'reviewGrant',
        summary: 'Say that this grant may cover what came or changed up to this version',
        params: idParams('grant'),
        body: closed({ version: Version, password: Password }),
        response: answers(200, GrantView),
      },
    },
    async (request) => {
      await requirePassword(deps, request, request.body.password)
      const { grant, adapter } = await find(request.params.id)
      const { version } = request.body
      if (grant.state === 'revoked')
        throw new Problem('conflict', 'this grant was revoked, which is for ever: make a new one')
      if (version !== adapter.catalogueVersion)
        throw new Problem('conflict', 'the catalogue is another by now: look at what changed again')
      await commit(deps, request, async (tx) => {
        const operations = reviewedVersion(adapter.operations())
        await keepCatalogueVersion(tx, adapter.name, version, operations)
        await updateGrant(tx, grant.id, { catalogueVersion: version })
        return {
          value: undefined,
          subject: grant.id,
          change: { from: grant.catalogueVersion, catalogueVersion: version },
        }
      })
      const reviewed = await readGrant(deps.db, grant.id)
      return grantView(deps, reviewed ?? grant)
    },
  )
}
