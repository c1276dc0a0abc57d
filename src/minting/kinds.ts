/** The kinds of minting there are, by name. A kind is one file; this is the one place that names them all. */
import { awsSts } from './aws-sts.ts'
import { gcp } from './gcp.ts'
import { githubApp } from './github-app.ts'
import type { MintKind } from './kind.ts'
import { kubernetes } from './kubernetes.ts'
import { oauthRefresh } from './oauth-refresh.ts'
import { railway } from './railway.ts'

/** A kind whose parameters' type is not known here: they are checked against its schema before it sees them. */
export type AnyMintKind = MintKind

const known: ReadonlyMap<string, AnyMintKind> = new Map(
  (
    [awsSts, gcp, githubApp, kubernetes, oauthRefresh, railway] satisfies readonly AnyMintKind[]
  ).map((kind) => [kind.name, kind]),
)

export function mintKind(name: string): AnyMintKind | undefined {
  return known.get(name)
}

export function mintKinds(): readonly AnyMintKind[] {
  return [...known.values()]
}
