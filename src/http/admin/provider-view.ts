/** What the API says of operators' own providers, and of how a provider's operations were classified. */
import Type from 'typebox'
import type { ProviderRecord } from '../../directory/provider.ts'
import type { ProviderAdapter } from '../../provider/adapter.ts'
import { summarise, type Report } from '../../provider/compile/report.ts'
import { ImportedManifest } from '../../provider/imported/manifest.ts'
import { ImportedReview } from '../../provider/imported/review.ts'
import { closed, Effect, ProviderName, Timestamp } from '../schemas.ts'

const Count = Type.Integer({ minimum: 0 })
export const ReportView = closed({
  source: Type.String(),
  operations: Count,
  effects: closed({
    read: Count,
    write: Count,
    destructive: Count,
    secret: Count,
    admin: Count,
  }),
  scopes: closed({ environment: Count, public: Count, account: Count }),
  unreviewed: Type.Integer({ minimum: 0, description: 'Denied for want of review.' }),
  denied: Type.Integer({ minimum: 0, description: 'Denied because a review says so.' }),
  listed: Type.Array(
    closed({
      name: Type.String(),
      method: Type.String(),
      path: Type.String(),
      effects: Type.Array(Effect),
      scope: Type.String(),
      why: Type.Array(Type.String()),
      ids: Type.Array(Type.String()),
      denied: Type.Optional(Type.String()),
      unreviewed: Type.Boolean(),
    }),
  ),
  edges: Type.Optional(
    closed({
      unclassified: Type.Array(Type.String(), {
        description: 'Fields of a GraphQL schema that are refused until reviewed; the first 2,000.',
      }),
      secret: Type.Array(Type.String(), { description: 'Fields that are secret by rule.' }),
    }),
  ),
})

export const ImportedView = closed({
  name: ProviderName,
  version: Type.String(),
  state: Type.Union([Type.Literal('active'), Type.Literal('disabled')]),
  manifest: ImportedManifest,
  review: ImportedReview,
  created_at: Timestamp,
  updated_at: Timestamp,
})

export function view(record: ProviderRecord) {
  return {
    name: record.name,
    version: record.version,
    state: record.state === 'active' ? ('active' as const) : ('disabled' as const),
    manifest: record.manifest as ImportedManifest,
    review: record.review as ImportedReview,
    created_at: record.createdAt.toISOString(),
    updated_at: record.updatedAt.toISOString(),
  }
}

export function reportView({ listed, edges, ...counts }: Report) {
  return {
    ...counts,
    ...(edges === undefined
      ? {}
      : { edges: { unclassified: [...edges.unclassified], secret: [...edges.secret] } }),
    listed: listed.map(({ effects, why, ids, ...one }) => ({
      ...one,
      effects: [...effects],
      why: [...why],
      ids: [...ids],
    })),
  }
}

/** What is known of a provider that ships: its reasons are in its sources. */
export function shippedReport(adapter: ProviderAdapter): Report {
  return summarise(
    'ships with the broker',
    [...adapter.operations()].map(({ name, effects, scope, denied }) => ({
      name,
      method: '',
      path: '',
      effects,
      scope,
      why: [],
      ids: [],
      ...(denied === true ? { denied: 'denied to everyone' } : {}),
      unreviewed: false,
    })),
  )
}
