/**
 * The rules that give each mutation its effects, its scope and the roles of its ids, from the words of their names. They
 * run when the catalogue is compiled, never on a request; what they get wrong is corrected in `overrides.ts`, one
 * operation at a time. An id that no rule knows ships the operation denied.
 */
import type { Effect, OperationScope } from '../../../core/operation.ts'

/** `camelCase` apart, in lower case. */
function wordsOf(name: string): readonly string[] {
  return name.split(/(?=[A-Z])/).map((word) => word.toLowerCase())
}

const destroying: ReadonlySet<string> = new Set([
  'abort',
  'archive',
  'cancel',
  'clear',
  'delete',
  'dismiss',
  'remove',
  'regenerate',
  'retire',
  'revoke',
  'transfer',
])

/** Who may do what, what reaches a protected branch, and what runs with the repository's own rights. */
const governing =
  /merge|permission|protection|ruleset|collaborator|enterprise|organization|settings?$|domain|deploykey|environment|interactionlimit|invit|member|role|iplist|ipallowlist|identityprovider|migrat|approve|reject|preferences|visibility|archive|namespace|dismiss|team|vulnerability|owner|admin|sponsor/i

export function mutationEffects(name: string): readonly Effect[] {
  const result: Effect[] = ['write']
  const [verb = ''] = wordsOf(name)
  if (destroying.has(verb)) result.push('destructive')
  if (/recoverycode|token|secret|password/i.test(name)) result.push('secret')
  if (governing.test(name)) result.push('admin')
  return result
}

/** Ids of what lives in one repository, by the last segment of the argument's path. */
const targets: ReadonlySet<string> = new Set([
  'afterId',
  'assignableId',
  'beforeId',
  'branchProtectionRuleId',
  'canonicalId',
  'categoryId',
  'checkRunId',
  'checkSuiteId',
  'commentId',
  'deploymentId',
  'discussionId',
  'duplicateId',
  'duplicateIssueId',
  'environmentId',
  'environmentIds',
  'headRepositoryId',
  'id',
  'inReplyTo',
  'issueId',
  'labelIds',
  'labelableId',
  'linkedBranchId',
  'lockableId',
  'milestoneId',
  'parentIssueId',
  'pollOptionId',
  'projectIds',
  'pullRequestId',
  'pullRequestReviewCommentId',
  'pullRequestReviewId',
  'pullRequestReviewThreadId',
  'refId',
  'replyToId',
  'repositoryId',
  'repositoryIds',
  'repositoryRulesetId',
  'repositoryVulnerabilityAlertId',
  'subIssueId',
  'subjectId',
  'subscribableId',
  'threadId',
  'workflowRunId',
])

/** People, teams and apps: whom an operation is about, in a repository that another id names. They are no place. */
const actors: ReadonlySet<string> = new Set([
  'appId',
  'assigneeIds',
  'bypassForcePushActorIds',
  'bypassPullRequestActorIds',
  'pushActorIds',
  'reviewDismissalActorIds',
])

/** What belongs to an account, an organization or an enterprise: an operation that names one has their scope. */
const accounts: ReadonlySet<string> = new Set([
  'adminId',
  'afterCardId',
  'afterColumnId',
  'cardId',
  'columnId',
  'contentId',
  'destinationEnterpriseId',
  'draftIssueId',
  'enterpriseId',
  'excludedTeamMemberIds',
  'fieldId',
  'invitationId',
  'ipAllowListEntryId',
  'itemId',
  'listId',
  'listIds',
  'migrationId',
  'organizationId',
  'ownerId',
  'packageVersionId',
  'projectCardId',
  'projectColumnId',
  'projectId',
  'sourceId',
  'sponsorId',
  'sponsorableId',
  'starrableId',
  'statusUpdateId',
  'suggestedListIds',
  'targetEnterpriseId',
  'targetId',
  'targetOwnerId',
  'teamId',
  'teamIds',
  'tierId',
  'userId',
  'userIds',
  'workflowId',
])

export type IdRole = 'target' | 'none' | 'account' | undefined

/** `undefined`: no rule knows it. */
export function idRole(path: string): IdRole {
  const last = path.slice(path.lastIndexOf('.') + 1)
  if (targets.has(last)) return 'target'
  if (actors.has(last)) return 'none'
  return accounts.has(last) ? 'account' : undefined
}

/** An operation whose ids are all of a repository is an environment's; one that names no repository is the account's. */
export function scopeOf(roles: readonly IdRole[]): OperationScope {
  if (roles.includes('account')) return 'account'
  return roles.includes('target') || roles.includes(undefined) ? 'environment' : 'account'
}
