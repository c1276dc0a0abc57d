/**
 * Builds the broker out of its parts, in order, and closes it in reverse. The one place where siblings meet: what one
 * part needs of another is handed to it here as a function. `serve` and the tests both come through this.
 */
import { auditConnections, createAuditLog, type AuditLog } from './audit/log.ts'
import { newReplicaId, openPresence } from './audit/recovery.ts'
import { createDpopVerifier } from './capability/dpop.ts'
import { createHandleStore } from './capability/handle.ts'
import { createReplayStore } from './capability/replay.ts'
import { createRevocationList } from './capability/revocation.ts'
import { createCapabilityVerifier } from './capability/verify.ts'
import { buildApp, type App, type AppOptions } from './app.ts'
import { openKeys } from './broker/keys.ts'
import { openMinting } from './broker/minting.ts'
import { databaseClock, type SharedClock } from './db/clock.ts'
import { openFeed } from './db/feed.ts'
import {
  openDatabase,
  openPool,
  openUnhurriedDatabase,
  type Connection,
  type Db,
} from './db/open.ts'
import { createPolicyReader } from './directory/policy.ts'
import { listProviders, readProviderCatalogue } from './directory/provider.ts'
import { createIssuerFetch } from './federation/fetch.ts'
import { createForeignTokenVerifier } from './federation/foreign-token.ts'
import { createCursors } from './http/cursor.ts'
import type { Deps } from './http/deps.ts'
import { openIdentityDoor, type IdentityDoorSettings } from './http/identity/door.ts'
import { createPasswords, type PasswordCost } from './http/password.ts'
import { newId } from './ids.ts'
import { createHandOut } from './lease/hand-out.ts'
import { createLeaseKeeper } from './lease/keeper.ts'
import { createKeepToRevoke } from './lease/kept.ts'
import type { ProviderAdapter } from './provider/adapter.ts'
import { createLiveProviders } from './provider/imported/live.ts'
import type { ImportedManifest } from './provider/imported/manifest.ts'
import { shippedProviders } from './provider/registry.ts'
import { createCredentialOpener } from './vault/opener.ts'
import { isPublicAddress, publicLookup } from './proxy/address.ts'
import { createEgress, type EgressOptions } from './proxy/egress.ts'
import { createEvaluator } from './proxy/evaluate.ts'
import { createApprovalChanges } from './proxy/approval-changes.ts'
import { createDispatcher } from './proxy/dispatcher.ts'
import { createForwarder } from './proxy/forward.ts'
import { createGate } from './proxy/gate.ts'
import { createLookups } from './proxy/lookup.ts'
import { createScrubbers } from './proxy/scrubbers.ts'
import { createMintedSealer } from './proxy/minted.ts'
import { createProber } from './proxy/probe.ts'
import { storeAnswered } from './vault/answered-credential.ts'
import { createRowSealer, createTableSealer } from './vault/row-sealer.ts'
import { readCredential, readLookupCredential } from './vault/store.ts'
import type { Unsealer } from './vault/unseal.ts'
import { createVault, type KekSourceName, type Vault } from './vault/vault.ts'

export type BrokerOptions = {
  readonly connection: Connection
  /** True where nobody else can be on this database, so that whatever was left open there was left by the dead. */
  readonly alone: boolean
  readonly publicUrl: string
  readonly kekSource: KekSourceName
  /** Origins that replace the providers' own; each counts as declared internal. */
  readonly upstreams: Readonly<Record<string, string>>
  /** Where token services really are; each counts as declared internal. See `Config`. */
  readonly tokenServices?: Readonly<Record<string, string>> | undefined
  readonly app: AppOptions
  readonly egress?: Partial<EgressOptions>
  /** Where operators sign in by OpenID Connect. */
  readonly identity?: IdentityDoorSettings | undefined
  /** Whether operators may sign in with a password of their own: `on`, unless it is said. */
  readonly passwords?: 'on' | 'off'
  /** What a password's hash costs; tests take less. */
  readonly passwordCost?: PasswordCost | undefined
  /** This replica's clock, in milliseconds since the epoch. */
  readonly now?: () => number
  /** The clock by which replicas compare: the database's, unless a test moves it. */
  readonly sharedNow?: SharedClock | undefined
}

export type Broker = {
  readonly app: App
  readonly db: Db
  readonly audit: AuditLog
  readonly vault: Vault
  readonly unsealer: Unsealer
  readonly deps: Deps
  close(): Promise<void>
}

export async function openBroker(options: BrokerOptions): Promise<Broker> {
  const now = options.now ?? Date.now
  const { connection, publicUrl, upstreams, sharedNow = databaseClock } = options
  const { tokenServices = {} } = options
  const replicaId = newReplicaId()
  const db = openDatabase(connection)
  const auditPool = openPool(connection, auditConnections)
  const audit = createAuditLog(auditPool, replicaId)
  const unhurried = openUnhurriedDatabase(connection)
  const presence = await openPresence(db, replicaId, {
    alone: options.alone,
    unhurried,
    now,
    openSince: () => audit.openSince,
  })
  const feed = await openFeed(connection)

  // Vault and keys
  const vault = createVault()
  const keys = openKeys({ db, vault, kekSource: options.kekSource, audit, now })
  const { keyring, unsealer } = keys
  const opener = createCredentialOpener(db, vault)

  // Directory and capabilities, kept current by the feed
  const live = createLiveProviders(shippedProviders(), {
    async list() {
      const records = await listProviders(db)
      return records
        .filter(({ state }) => state === 'active')
        .map(({ name, version, manifest }) => ({
          name,
          version,
          manifest: manifest as ImportedManifest,
        }))
    },
    catalogue: (name, version) => readProviderCatalogue(db, name, version),
  })
  const providers = live.view
  const bindingPlace = (provider: string, kind: string, id: string): string | undefined =>
    providers.get(provider)?.bindingPlace(kind, id)
  const policies = createPolicyReader(db, {
    readCredential: (id) => readCredential(db, id),
    readLookupCredential: (environmentId, provider) =>
      readLookupCredential(db, environmentId, provider),
    bindingPlace,
    catalogue: (provider) => providers.get(provider),
  })
  const revocations = createRevocationList(db)
  const handles = createHandleStore({
    db,
    keys: () => keyring()?.handleKeys,
    altered: () =>
      audit.note({
        kind: 'system',
        result: 'refused',
        at: now(),
        correlationId: newId('correlation'),
        actor: { kind: 'system', id: 'capability' },
        action: 'handle.altered',
      }),
  })
  const verifier = createCapabilityVerifier({
    keyring,
    publicUrl,
    isRevoked: (id) => revocations.isRevoked(id),
    handles,
  })
  const replay = createReplayStore(db)
  const dpop = createDpopVerifier({ replay, nonceSecret: () => keyring()?.nonceSecret })
  await revocations.reload()
  const putProvidersIntoEffect = await live.read()
  putProvidersIntoEffect()

  // The way out
  const originsOf = (adapter: ProviderAdapter): readonly string[] => {
    const declared = upstreams[adapter.name]
    return declared === undefined ? adapter.origins : [declared]
  }
  const egress = createEgress({
    ...options.egress,
    allowInternal: new Set([...Object.values(upstreams), ...Object.values(tokenServices)]),
  })
  const scrubberFor = createScrubbers()
  const sealer = createRowSealer(vault)
  const { minter, tokens } = openMinting({
    db,
    vault,
    audit,
    opener,
    egress,
    upstreams,
    tokenServices,
    originsOf: (provider) => providers.get(provider)?.origins ?? [],
    feed,
    policies,
    isRevoked: (id) => revocations.isRevoked(id),
    keepToRevoke: createKeepToRevoke({
      db,
      sealer,
      replicaId,
      openToMint: opener.openToMint,
      revoke: (...args) => minter.revoke(...args),
      sharedNow,
      now,
    }),
    now,
  })
  const { open } = opener
  const lookups = createLookups({
    audit,
    egress,
    open,
    tokenFor: tokens.forLookup,
    scrubberFor,
    now,
  })
  const evaluator = createEvaluator({
    askFor: (policy, adapter, cause) => lookups.askFor(policy, adapter, cause),
  })
  const minted = createMintedSealer({
    seal: (policy, name, value) => storeAnswered(db, vault, policy.credential, name, value),
  })
  const tokenFor = tokens.forRequest
  const forwarder = createForwarder({ audit, egress, open, tokenFor, minted, scrubberFor, now })
  const gate = createGate({
    db,
    sealer,
    replicaId,
    publicUrl,
    askFor: (policy, adapter, cause) => lookups.askFor(policy, adapter, cause),
    sharedNow,
    now,
  })
  const leaseDeps = {
    db,
    sealer,
    sealed: () => vault.sealed,
    openToMint: opener.openToMint,
    minter,
    replicaId,
    policies,
    isRevoked: (id: string) => revocations.isRevoked(id),
    confirm: () => feed.confirm(),
    sharedNow,
    now,
  }
  const leases = createLeaseKeeper(leaseDeps)
  const handOut = createHandOut({ ...leaseDeps, wake: () => leases.wake() })
  const approvalChanges = createApprovalChanges({ db, now })
  const dispatcher = createDispatcher({
    db,
    sealer,
    sealed: () => vault.sealed,
    replicaId,
    publicUrl,
    gate,
    policies,
    providers,
    evaluator,
    forwarder,
    isRevoked: (id) => revocations.isRevoked(id),
    confirm: () => feed.confirm(),
    askFor: (policy, adapter, cause) => lookups.askFor(policy, adapter, cause),
    sharedNow,
    now,
  })
  feed.onChange(async (scope) => {
    switch (scope) {
      case 'directory': {
        // In one step: no request may meet a new catalogue with a policy that was read beside the old one.
        const putIntoEffect = await live.read()
        putIntoEffect()
        policies.clear()
        await minter.recheck()
        await keys.reload()
        dispatcher.wake()
        leases.wake()
        return
      }
      case 'revocation':
        await revocations.reload()
        dispatcher.wake()
        leases.wake()
        return
      case 'approval':
        approvalChanges.heard()
        dispatcher.wake()
    }
  })
  const prober = createProber({ audit, egress, now })

  const deps: Deps = {
    publicUrl,
    secure: publicUrl.startsWith('https:'),
    db,
    feed,
    audit,
    vault,
    unsealer,
    keyring,
    keySealer: keys.sealer,
    codeSealer: createTableSealer(vault, 'one_time_code'),
    revocations,
    replay,
    handles,
    dpop,
    verifier,
    foreignTokens: createForeignTokenVerifier({
      fetchJson: createIssuerFetch({ lookup: publicLookup, isPublicAddress }),
      now,
    }),
    policies,
    providers,
    evaluator,
    forwarder,
    gate,
    approvalChanges,
    leases,
    handOut,
    prober,
    minter,
    tokenServices,
    cursors: createCursors(keyring),
    passwords: createPasswords(now, options.passwordCost),
    identity: openIdentityDoor(options.identity, { publicUrl, now }),
    localPasswords: options.passwords !== 'off',
    signInSealer: createTableSealer(vault, 'operator_session'),
    originsOf,
    sharedNow,
    now,
  }
  const app = await buildApp(deps, options.app)

  return {
    app,
    db,
    audit,
    vault,
    unsealer,
    deps,
    async close() {
      await app.close()
      await dispatcher.close()
      await leases.close()
      await egress.close()
      await audit.close()
      await presence.close()
      await feed.close()
      opener.clear()
      minter.clear()
      vault.lock()
      await auditPool.end()
      await db.destroy()
      await unhurried.destroy()
    },
  }
}
