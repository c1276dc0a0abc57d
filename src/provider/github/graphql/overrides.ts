/**
 * What was reviewed by hand, where the rules of `effects.ts` are wrong or do not reach. Everything here is compiled into
 * the catalogue; `compile.ts` refuses a name that the schema does not have, so that a renamed operation or argument
 * cannot silently lose its review.
 */
import type { Condition } from '../../../core/condition.ts'
import type { Effect, OperationScope } from '../../../core/operation.ts'

/** The scope of the queries. What is not here belongs to the account. */
export const queryScopes: Readonly<Record<string, OperationScope>> = {
  node: 'environment',
  nodes: 'environment',
  repository: 'environment',
  resource: 'environment',
  // GitHub's own metadata, the same for whoever asks.
  codeOfConduct: 'public',
  codesOfConduct: 'public',
  id: 'public',
  license: 'public',
  licenses: 'public',
  meta: 'public',
  rateLimit: 'public',
  securityAdvisories: 'public',
  securityAdvisory: 'public',
  securityVulnerabilities: 'public',
  topic: 'public',
  // Who the credential is, and of that only the public half of the profile: every other edge widens.
  viewer: 'public',
}

/** In place of what the rules give. */
export const effectOverrides: Readonly<Record<string, readonly Effect[]>> = {
  // Undone by the same caller with the matching mutation, and nothing is lost.
  removeAssigneesFromAssignable: ['write'],
  removeLabelsFromLabelable: ['write'],
  removeReaction: ['write'],
  removeUpvote: ['write'],
  // The order and the pins of a list, which decide nothing.
  pinEnvironment: ['write'],
  reorderEnvironment: ['write'],
  // Merges as soon as the queue comes to it.
  enqueuePullRequest: ['write', 'admin'],
  // What the credential's owner is told of, nothing else.
  updateSubscription: ['write'],
  // Which of the warnings and reviews count.
  dismissPullRequestReview: ['write', 'destructive', 'admin'],
  // What a repository's settings are when it is brought back.
  unarchiveRepository: ['write', 'admin'],
  archiveRepository: ['write', 'destructive', 'admin'],
  // The issue leaves its repository, with what was written in it.
  transferIssue: ['write', 'destructive', 'admin'],
}

/** These belong to an account although every id in them is one of a repository, or none is. */
export const accountOperations: readonly string[] = [
  // What an organization's teams may do, and what they say to each other.
  'createTeamDiscussionComment',
  'deleteTeamDiscussion',
  'deleteTeamDiscussionComment',
  'updateTeamDiscussion',
  'updateTeamDiscussionComment',
  'updateTeamReviewAssignment',
  'updateTeamsRepository',
  // Domains of an organization or an enterprise.
  'approveVerifiableDomain',
  'deleteVerifiableDomain',
  'regenerateVerifiableDomainToken',
  'verifyVerifiableDomain',
]

/** Refused to everyone, and why. Each completes "`operation` is refused to everyone: …". */
export const denied: Readonly<Record<string, string>> = {
  relay: 'it answers with the whole query type again, which nothing narrows',
  acceptTopicSuggestion: 'what it changes is not in the published schema any more',
  declineTopicSuggestion: 'what it changes is not in the published schema any more',
  deleteLinkedBranch: 'the issue at the other end may be one of another repository',
}

/** The roles of ids that the rules of names get wrong, by `operation.path`. */
export const roleOverrides: Readonly<Record<string, 'target' | 'none'>> = {
  'createRepositoryRuleset.input.bypassActors.actorId': 'none',
  'updateRepositoryRuleset.input.bypassActors.actorId': 'none',
  // The repository it is made for; of an organization nothing is found, and it is denied.
  'createRepositoryRuleset.input.sourceId': 'target',
  'requestReviews.input.userIds': 'none',
  'requestReviews.input.teamIds': 'none',
  'updateEnvironment.input.reviewers': 'none',
}

/** Arguments that are no ids and name a place all the same: `name` is `owner/name`, `url` an address on GitHub. */
export const placeArguments: Readonly<Record<string, Readonly<Record<string, 'name' | 'url'>>>> = {
  createCommitOnBranch: { 'input.branch.repositoryNameWithOwner': 'name' },
  addSubIssue: { 'input.subIssueUrl': 'url' },
  resource: { url: 'url' },
}

/** Files that decide what runs with the repository's secrets, or whose review a change needs. */
const governingFiles = ['.github', 'CODEOWNERS', 'docs/CODEOWNERS'] as const

const present = (path: string, ...adds: readonly Effect[]): Condition => ({
  path,
  noneOf: [null],
  adds,
})

const forced = (path: string): Condition => ({
  path,
  noneOf: [false, null],
  adds: ['destructive'],
})

const otherOwner = (path: string): Condition => ({
  path,
  contains: ':',
  widens: 'it takes a branch of another owner',
})

const noCommit = '0000000000000000000000000000000000000000'

export const conditions: Readonly<Record<string, readonly Condition[]>> = {
  addPullRequestReview: [{ path: 'input.event', equals: 'APPROVE', adds: ['admin'] }],
  submitPullRequestReview: [{ path: 'input.event', equals: 'APPROVE', adds: ['admin'] }],
  createCommitOnBranch: [
    { path: 'input.fileChanges.additions.*.path', under: governingFiles, adds: ['admin'] },
    { path: 'input.fileChanges.deletions.*.path', under: governingFiles, adds: ['admin'] },
    { path: 'input.fileChanges.deletions.*', adds: ['destructive'] },
  ],
  createPullRequest: [otherOwner('input.headRefName'), otherOwner('input.baseRefName')],
  createDeployment: [{ path: 'input.autoMerge', noneOf: [false], adds: ['admin'] }],
  mergeBranch: [otherOwner('input.head'), otherOwner('input.base')],
  updateRef: [forced('input.force')],
  updateRefs: [
    forced('input.refUpdates.*.force'),
    // How a ref is deleted here.
    { path: 'input.refUpdates.*.afterOid', equals: noCommit, adds: ['destructive'] },
  ],
  updateRepository: [
    // A renamed repository leaves the environment that its old name is bound to.
    present('input.name', 'destructive', 'admin'),
    present('input.template', 'admin'),
    present('input.hasDiscussionsEnabled', 'admin'),
    present('input.hasIssuesEnabled', 'admin'),
    present('input.hasProjectsEnabled', 'admin'),
    present('input.hasSponsorshipsEnabled', 'admin'),
    present('input.hasWikiEnabled', 'admin'),
  ],
}
