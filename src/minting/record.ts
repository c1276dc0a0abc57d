/**
 * How minting is written down: what it was asked for, and what came of it, under one correlation. Against whoever reads the
 * log: of a token there is its digest (SHA-256, in hex), and nothing that a provider said at more length than a field holds.
 */
import { createHash } from 'node:crypto'
import { clip, type SystemEntry } from '../audit/entry.ts'
import { newId } from '../ids.ts'
import type { CredentialKey } from '../vault/store.ts'
import type { Minted, Narrowing } from './kind.ts'

/** The most bindings that an entry lists. */
const mostListed = 50

/** One correlation for the question and for what came of it. */
export type MintRecord = {
  asked(now: number): SystemEntry
  ended(minted: Minted, now: number): SystemEntry
}

export function mintRecord(
  credential: CredentialKey,
  narrowing: Narrowing,
  cause: string,
): MintRecord {
  const { bindings, readOnly, seconds } = narrowing
  const listed = bindings.slice(0, mostListed).map(({ kind, id }) => clip(`${kind}:${id}`))
  const more = bindings.length - listed.length
  const change = {
    kind: credential.mint?.kind ?? '',
    read_only: readOnly,
    seconds,
    bindings: more > 0 ? [...listed, `… ${String(more)} more`] : listed,
  }
  const common = {
    kind: 'system',
    correlationId: newId('correlation'),
    actor: { kind: 'system', id: 'minter' },
    provider: credential.provider,
    credential: { id: credential.id, version: credential.version },
    cause,
  } as const
  return {
    asked: (now) => ({ ...common, at: now, result: 'done', action: 'credential.minting', change }),
    ended: (minted, now) =>
      minted.ok
        ? {
            ...common,
            at: now,
            result: 'done',
            action: 'credential.mint',
            expiresAt: minted.expiresAt,
            change: {
              ...change,
              token_sha256: createHash('sha256').update(minted.token).digest('hex'),
              ...(minted.handle === undefined ? {} : { handle: clip(minted.handle) }),
              ...(minted.rotated === undefined ? {} : { rotated: true }),
            },
          }
        : {
            ...common,
            at: now,
            result: 'refused',
            action: 'credential.mint',
            detail: clip(`${minted.why}: ${minted.detail}`),
            change: { ...change, ...(minted.dead === true ? { dead: true } : {}) },
          },
  }
}
