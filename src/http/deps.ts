/** What the HTTP side is given. Built once, by `openBroker`. */
import type { CodeSealer } from '../approval/one-time-code.ts'
import type { AuditLog } from '../audit/log.ts'
import type { DpopVerifier } from '../capability/dpop.ts'
import type { HandleStore } from '../capability/handle.ts'
import type { Keyring, KeySealer } from '../capability/keys.ts'
import type { ReplayStore } from '../capability/replay.ts'
import type { RevocationList } from '../capability/revocation.ts'
import type { CapabilityVerifier } from '../capability/verify.ts'
import type { Db } from '../db/open.ts'
import type { SharedClock } from '../db/clock.ts'
import type { Feed } from '../db/feed.ts'
import type { PolicyReader } from '../directory/policy.ts'
import type { HandOut } from '../lease/hand-out.ts'
import type { LeaseKeeper } from '../lease/keeper.ts'
import type { SignInSealer } from '../directory/sign-in.ts'
import type { ForeignTokenVerifier } from '../federation/foreign-token.ts'
import type { ProviderAdapter } from '../provider/adapter.ts'
import type { Evaluator } from '../proxy/evaluate.ts'
import type { ApprovalChanges } from '../proxy/approval-changes.ts'
import type { Gate } from '../proxy/gate.ts'
import type { Minter } from '../minting/minter.ts'
import type { Scrubber } from '../proxy/scrub.ts'
import type { Forwarder } from '../proxy/forward.ts'
import type { Prober } from '../proxy/probe.ts'
import type { Unsealer } from '../vault/unseal.ts'
import type { Vault } from '../vault/vault.ts'
import type { Cursors } from './cursor.ts'
import type { IdentityDoor } from './identity/door.ts'
import type { Passwords } from './password.ts'

export type Deps = {
  readonly publicUrl: string
  readonly secure: boolean
  readonly db: Db
  readonly feed: Feed
  readonly audit: AuditLog
  readonly vault: Vault
  readonly unsealer: Unsealer
  readonly keyring: () => Keyring | undefined
  readonly keySealer: KeySealer
  readonly codeSealer: CodeSealer
  readonly revocations: RevocationList
  readonly replay: ReplayStore
  readonly handles: HandleStore
  readonly dpop: DpopVerifier
  readonly verifier: CapabilityVerifier
  /** Tokens of configured issuers, for exchange. */
  readonly foreignTokens: ForeignTokenVerifier
  readonly policies: PolicyReader
  readonly providers: ReadonlyMap<string, ProviderAdapter>
  readonly evaluator: Evaluator
  readonly forwarder: Forwarder
  readonly gate: Gate
  readonly approvalChanges: ApprovalChanges
  readonly leases: LeaseKeeper
  readonly handOut: HandOut
  readonly prober: Prober
  /** What credentials mint: for the prober, and for leases. */
  readonly minter: Minter<Scrubber>
  /** What configuration says of token services; see `Config`. */
  readonly tokenServices: Readonly<Record<string, string>>
  readonly cursors: Cursors
  readonly passwords: Passwords
  /** Where operators sign in by OpenID Connect; undefined where they do not. */
  readonly identity: IdentityDoor | undefined
  /** Whether operators may sign in with a password of their own. */
  readonly localPasswords: boolean
  readonly signInSealer: SignInSealer
  /** The origin a new credential of this provider is pinned to: its first, or the one that configuration declares. */
  readonly originsOf: (provider: ProviderAdapter) => readonly string[]
  /** By which approvals are timed, as other replicas look at them. */
  readonly sharedNow: SharedClock
  readonly now: () => number
}
