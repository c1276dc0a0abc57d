/** Puts minting together: the vault's secrets, the way out, the log and what a scrubber looks for meet here. */
import { appendWithin, type AuditLog } from '../audit/log.ts'
import type { Db } from '../db/open.ts'
import type { Feed } from '../db/feed.ts'
import type { PolicyReader } from '../directory/policy.ts'
import { mintKind } from '../minting/kinds.ts'
import { createMinter, type MinterDeps, type Minter } from '../minting/minter.ts'
import type { Egress } from '../proxy/egress.ts'
import { createMintedTokens, type MintedTokens } from '../proxy/minted-token.ts'
import { createMintExchange } from '../proxy/mint-exchange.ts'
import { secretTexts } from '../proxy/outgoing.ts'
import { createScrubber, type Scrubber } from '../proxy/scrub.ts'
import { createMintedStore } from '../vault/minted-store.ts'
import type { CredentialOpener } from '../vault/opener.ts'
import { markRejected, readCredential } from '../vault/store.ts'
import type { Vault } from '../vault/vault.ts'
import { newId } from '../ids.ts'

export type Minting = { readonly minter: Minter<Scrubber>; readonly tokens: MintedTokens }

export function openMinting(deps: {
  readonly db: Db
  readonly vault: Vault
  readonly audit: AuditLog
  readonly opener: CredentialOpener
  readonly egress: Egress
  readonly upstreams: Readonly<Record<string, string>>
  readonly tokenServices: Readonly<Record<string, string>>
  /** The origins of a provider's own; none where it is not known. */
  readonly originsOf: (provider: string) => readonly string[]
  readonly feed: Pick<Feed, 'confirm'>
  readonly policies: Pick<PolicyReader, 'policyOf'>
  readonly isRevoked: (capabilityId: string) => boolean
  readonly keepToRevoke?: MinterDeps<Scrubber>['keepToRevoke']
  readonly now: () => number
}): Minting {
  const { db, vault, audit, keepToRevoke, now } = deps
  const minter = createMinter<Scrubber>({
    kind: mintKind,
    audit,
    openToMint: deps.opener.openToMint,
    store: createMintedStore(db, vault),
    read: (id) => readCredential(db, id),
    markRejected: ({ id, version }, detail) =>
      db.transaction().execute(async (tx) => {
        if (!(await markRejected(tx, id, version, detail))) return
        await appendWithin(tx, {
          kind: 'system',
          result: 'done',
          at: now(),
          correlationId: newId('correlation'),
          actor: { kind: 'system', id: 'minter' },
          action: 'credential.rejected',
          credential: { id, version },
          detail,
        })
      }),
    send: createMintExchange(deps),
    guard: (token, parts) => createScrubber([...secretTexts(token), ...parts]),
    ...(keepToRevoke === undefined ? {} : { keepToRevoke }),
    now,
  })
  const tokens = createMintedTokens({
    minter,
    confirm: () => deps.feed.confirm(),
    policyOf: (grantId, actors) => deps.policies.policyOf(grantId, actors),
    isRevoked: deps.isRevoked,
    now,
  })
  return { minter, tokens }
}
