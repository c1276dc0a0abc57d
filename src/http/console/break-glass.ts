/**
 * The page on which a break-glass is confirmed and ended, as one person sees it. It only reads; what it says of who may
 * confirm is said again, and decided, by the route under /v1.
 */
import { presenceNeeded } from '../../approval/presence.ts'
import { confirmableFor, longestBreakGlass } from '../../core/break-glass.ts'
import { visible } from '../../core/visible.ts'
import { readAgent } from '../../directory/agent.ts'
import {
  listBreakGlasses,
  stateOf,
  type BreakGlassRecord,
  type BreakGlassState,
} from '../../directory/break-glass.ts'
import { readEnvironment } from '../../directory/environment.ts'
import { readGrant } from '../../directory/grant.ts'
import { readOperator, type Operator } from '../../directory/operator.ts'
import { newId, type OperatorId } from '../../ids.ts'
import type { Deps } from '../deps.ts'
import { operatorOf } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { breakGlassBody, type ShownBreakGlass } from './break-glass-page.ts'
import { sendPage } from './page.ts'

/** In milliseconds: whatever was asked for longer ago is over. */
const longestOpen = confirmableFor + longestBreakGlass * 1000
const shownFor = Math.max(longestOpen, 3_600_000)
const mostListed = 50
/** More than anybody asks for in an hour, each with a password. */
const mostRead = 1_000
/** What is in force is shown, however much is asked for beside it. */
const order: readonly BreakGlassState[] = ['in_force', 'asked', 'over', 'ended', 'expired']

export function breakGlassPage(app: App, deps: Deps): void {
  app.get(
    '/break-glass',
    {
      config: { action: 'console.break_glass', roles: ['admin', 'auditor', 'approver'] },
      schema: { hide: true },
    },
    async (request, reply) => {
      const operator = operatorOf(request)
      const now = deps.now()
      // Ids sort by when they were made.
      const after = newId('breakGlass', Math.max(0, now - shownFor))
      const records = await listBreakGlasses(deps.db, { limit: mostRead, after })
      const rank = (record: BreakGlassRecord): number => order.indexOf(stateOf(record, now))
      const shown = records.toReversed().toSorted((a, b) => rank(a) - rank(b))
      const admin = operator.roles.includes('admin')
      const needed = admin ? await presenceNeeded(deps.db, operator.id, 'admins') : undefined
      const all: ShownBreakGlass[] = []
      for (const record of shown.slice(0, mostListed))
        all.push(await shownTo(operator, record, { now, touchOfOthers: needed === 'others' }))
      return sendPage(reply, 200, {
        title: 'Break-glass',
        operator: operator.name,
        body: breakGlassBody({
          all,
          more: records.length > mostListed,
          mayEnd: admin || operator.roles.includes('approver'),
          touch: needed === 'self',
          now,
        }),
      })
    },
  )

  async function shownTo(
    viewer: Pick<Operator, 'id' | 'roles'>,
    record: BreakGlassRecord,
    { now, touchOfOthers }: { readonly now: number; readonly touchOfOthers: boolean },
  ): Promise<ShownBreakGlass> {
    const environment = await readEnvironment(deps.db, record.environmentId)
    const grant = record.grantId === null ? undefined : await readGrant(deps.db, record.grantId)
    const agent = grant === undefined ? undefined : await readAgent(deps.db, grant.agentId)
    const asker = await personOf(record.askedBy)
    const confirmer = await personOf(record.confirmedBy)
    const ender = await personOf(record.endedBy)
    const subjectGone =
      environment?.state !== 'active' ||
      (record.grantId !== null &&
        (grant?.state !== 'active' ||
          (grant.expiresAt !== null && grant.expiresAt.getTime() <= now)))
    const state = stateOf(record, now)
    return {
      record,
      state,
      environment: {
        name: environment?.name ?? record.environmentId,
        // What is not known is taken to be the worse.
        protected: environment?.protected ?? true,
      },
      grant:
        record.grantId === null
          ? undefined
          : { agent: agent?.name ?? 'unknown', verbs: grant?.verbs ?? [] },
      askedBy: asker?.name ?? record.askedBy,
      confirmedBy: confirmer?.name,
      endedBy: ender?.name,
      own: record.askedBy === viewer.id,
      idle: state === 'in_force' ? idleOf() : undefined,
      refusal: refusalOf(),
    }

    function idleOf(): string | undefined {
      if (subjectGone) return goneText
      const who = [asker, confirmer].find((each) => !isAdmin(each))
      return who === undefined ? undefined : `${visible(who.name)} is no admin any more`
    }

    function refusalOf(): string | undefined {
      if (!viewer.roles.includes('admin')) return 'that is for an admin'
      if (record.askedBy === viewer.id) return 'you asked for it, so it takes another admin'
      if (!isAdmin(asker)) return 'whoever asked for it is no admin any more'
      if (subjectGone) return goneText
      return touchOfOthers
        ? 'an admin here has a passkey, so it takes an admin who has one, and you have none'
        : undefined
    }
  }

  /** Undefined for nobody; without a role where there is no such operator any more. */
  async function personOf(
    id: OperatorId | null,
  ): Promise<Pick<Operator, 'name' | 'roles' | 'state'> | undefined> {
    if (id === null) return undefined
    const found = await readOperator(deps.db, id)
    return found ?? { name: id, roles: [], state: 'disabled' }
  }
}

const goneText = 'what it is for is disabled, revoked or expired'

function isAdmin(person: Pick<Operator, 'roles' | 'state'> | undefined): boolean {
  return person?.state === 'active' && person.roles.includes('admin')
}
