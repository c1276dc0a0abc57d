/**
 * Which fields of GitHub's schema stay inside the repository that they were reached from. One type a line, and behind
 * it the fields that lead to another object and were read and found to stay; its scalars stay without being named.
 * A type that is not here, and a field that leads to an object and is not here, reaches outside: a field that GitHub
 * adds tomorrow does nothing until someone has read it.
 *
 * Left out on purpose, though the type they lead to is inside: what may lie in a repository other than this one. Those
 * are a fork's (`headRepository`, `headRef`, `branch` and `push` of a check suite, a commit's `repository`, `associatedPullRequests`,
 * `compare`), what may have been moved since (the discussion that an issue became), references across repositories (`parent`, `subIssues`, `trackedIssues`, `closingIssuesReferences`, `closer`, `source`,
 * `canonical`, `fromRepository`, the commit of a reference), an organization's (rulesets' `source`, projects, packages,
 * templates' `repository`), and what a dependency or a topic leads to. That a fork's name is on the page of its pull
 * request does not let `headRepository` in: an edge is classed by itself, whatever is selected behind it, and behind this
 * one stand the fork's files and issues as well.
 */
import type { EdgeClass } from '../../graphql/catalogue.ts'

export const inside = `
AddedToMergeQueueEvent | actor enqueuer mergeQueue pullRequest
AddedToProjectEvent | actor
AssignedEvent | actor assignable assignee user
AutoMergeDisabledEvent | actor disabler pullRequest
AutoMergeEnabledEvent | actor enabler pullRequest
AutoMergeRequest | enabledBy pullRequest
AutoRebaseEnabledEvent | actor enabler pullRequest
AutoSquashEnabledEvent | actor enabler pullRequest
AutomaticBaseChangeFailedEvent | actor pullRequest
AutomaticBaseChangeSucceededEvent | actor pullRequest
BaseRefChangedEvent | actor pullRequest
BaseRefDeletedEvent | actor pullRequest
BaseRefForcePushedEvent | actor afterCommit beforeCommit pullRequest ref
Blame | ranges
BlameRange | commit
Blob | repository
BranchNamePatternParameters
BranchProtectionRule | branchProtectionRuleConflicts bypassForcePushAllowances bypassPullRequestAllowances creator matchingRefs pushAllowances repository requiredStatusChecks reviewDismissalAllowances
BranchProtectionRuleConflict | branchProtectionRule conflictingBranchProtectionRule ref
BypassForcePushAllowance | actor branchProtectionRule
BypassPullRequestAllowance | actor branchProtectionRule
CheckAnnotation | location
CheckAnnotationPosition
CheckAnnotationSpan | end start
CheckRun | annotations checkSuite deployment pendingDeploymentRequest repository steps
CheckRunStateCount
CheckStep
CheckSuite | app checkRuns commit creator repository workflowRun
ClosedEvent | actor closable
CodeScanningParameters | codeScanningTools
CodeScanningTool
CommentDeletedEvent | actor deletedCommentAuthor
Commit | author authors blame checkSuites comments committer deployments file history onBehalfOf parents signature status statusCheckRollup submodules tree
CommitAuthorEmailPatternParameters
CommitComment | author commit editor reactionGroups reactions repository userContentEdits
CommitCommentThread | comments commit repository
CommitMessagePatternParameters
CommitterEmailPatternParameters
ConnectedEvent | actor
ContributingGuidelines
ConvertToDraftEvent | actor pullRequest
ConvertedNoteToIssueEvent | actor
ConvertedToDiscussionEvent | actor
CrossReferencedEvent | actor
DemilestonedEvent | actor subject
DependabotUpdate | error pullRequest repository
DependabotUpdateError
DependencyGraphDependency
DependencyGraphManifest | dependencies repository
DeployKey
DeployedEvent | actor deployment pullRequest
Deployment | commit creator latestStatus ref repository statuses
DeploymentEnvironmentChangedEvent | actor deploymentStatus pullRequest
DeploymentProtectionRule | reviewers
DeploymentRequest | environment reviewers
DeploymentReview | environments user
DeploymentStatus | creator deployment
DisconnectedEvent | actor
Discussion | answer answerChosenBy author category comments editor labels poll reactionGroups reactions repository userContentEdits
DiscussionCategory | repository
DiscussionComment | author discussion editor reactionGroups reactions replies replyTo userContentEdits
DiscussionPoll | discussion options
DiscussionPollOption | poll
Environment | latestCompletedDeployment protectionRules
FileExtensionRestrictionParameters
FilePathRestrictionParameters
FundingLink
GitActor | user
GpgSignature | signer
HeadRefDeletedEvent | actor pullRequest
HeadRefForcePushedEvent | actor pullRequest
HeadRefRestoredEvent | actor pullRequest
Issue | assignees author comments editor labels linkedBranches milestone participants reactionGroups reactions repository subIssuesSummary timeline timelineItems userContentEdits
IssueComment | author editor issue pullRequest reactionGroups reactions repository userContentEdits
IssueTemplate | assignees labels
Label | issues pullRequests repository
LabeledEvent | actor label labelable
LinkedBranch
LockedEvent | actor lockable
MarkedAsDuplicateEvent | actor
MaxFilePathLengthParameters
MaxFileSizeParameters
MentionedEvent | actor
MergeQueue | configuration entries repository
MergeQueueConfiguration
MergeQueueEntry | baseCommit enqueuer headCommit mergeQueue pullRequest
MergeQueueParameters
MergedEvent | actor commit mergeRef pullRequest
Milestone | creator issues pullRequests repository
MilestonedEvent | actor subject
MovedColumnsInProjectEvent | actor
PageInfo
ParentIssueAddedEvent | actor
ParentIssueRemovedEvent | actor
PinnedDiscussion | discussion pinnedBy repository
PinnedEnvironment | environment repository
PinnedEvent | actor issue
PinnedIssue | issue pinnedBy repository
PullRequest | assignees author autoMergeRequest baseRef baseRepository comments commits editor files headRepositoryOwner labels latestOpinionatedReviews latestReviews mergeCommit mergeQueue mergeQueueEntry mergedBy milestone participants potentialMergeCommit reactionGroups reactions repository reviewRequests reviewThreads reviews statusCheckRollup suggestedReviewers timeline timelineItems userContentEdits viewerLatestReview viewerLatestReviewRequest
PullRequestChangedFile
PullRequestCommit | commit pullRequest
PullRequestCommitCommentThread | comments commit pullRequest repository
PullRequestParameters
PullRequestReview | author comments commit editor pullRequest reactionGroups reactions repository userContentEdits
PullRequestReviewComment | author commit editor originalCommit pullRequest pullRequestReview reactionGroups reactions replyTo repository userContentEdits
PullRequestReviewThread | comments pullRequest repository resolvedBy
PullRequestRevisionMarker | lastSeenCommit pullRequest
PullRequestTemplate
PullRequestThread | comments pullRequest repository resolvedBy
Push | pusher repository
PushAllowance | actor branchProtectionRule
Reaction | reactable user
ReactionGroup | reactors subject users
ReadyForReviewEvent | actor pullRequest
Ref | branchProtectionRule refUpdateRule repository rules target
RefNameConditionTarget
RefUpdateRule
ReferencedEvent | actor
Release | author mentions reactionGroups reactions releaseAssets repository tag tagCommit
ReleaseAsset | release uploadedBy
RemovedFromMergeQueueEvent | actor beforeCommit enqueuer mergeQueue pullRequest
RemovedFromProjectEvent | actor
RenamedTitleEvent | actor subject
ReopenedEvent | actor closable
Repository | assignableUsers branchProtectionRules codeOfConduct codeowners collaborators commitComments contactLinks contributingGuidelines defaultBranchRef dependencyGraphManifests deployKeys deployments discussion discussionCategories discussionCategory discussions environment environments fundingLinks interactionAbility issue issueOrPullRequest issueTemplates issues label labels languages latestRelease licenseInfo mentionableUsers mergeQueue milestone milestones object owner pinnedDiscussions pinnedEnvironments pinnedIssues planFeatures primaryLanguage pullRequest pullRequestTemplates pullRequests ref refs release releases repositoryTopics ruleset rulesets stargazers submodules vulnerabilityAlert vulnerabilityAlerts watchers
RepositoryCodeowners | errors
RepositoryCodeownersError
RepositoryContactLink
RepositoryInteractionAbility
RepositoryPlanFeatures
RepositoryRule | parameters
RepositoryRuleConditions | refName
RepositoryRuleset | conditions rules
RepositoryTopic | topic
RepositoryVulnerabilityAlert | dependabotUpdate dismisser repository securityAdvisory securityVulnerability
RequiredDeploymentsParameters
RequiredStatusCheckDescription | app
RequiredStatusChecksParameters | requiredStatusChecks
ReviewDismissalAllowance | actor branchProtectionRule
ReviewDismissedEvent | actor pullRequest pullRequestCommit review
ReviewRequest | pullRequest requestedReviewer
ReviewRequestRemovedEvent | actor pullRequest requestedReviewer
ReviewRequestedEvent | actor pullRequest requestedReviewer
SmimeSignature | signer
SshSignature | signer
Status | combinedContexts commit context contexts
StatusCheckConfiguration
StatusCheckRollup | commit contexts
StatusContext | commit creator
StatusContextStateCount
SubIssueAddedEvent | actor
SubIssueRemovedEvent | actor
SubIssuesSummary
Submodule
SubscribedEvent | actor subscribable
SuggestedReviewer | reviewer
Tag | repository tagger target
TagNamePatternParameters
TransferredEvent | actor issue
Tree | entries repository
TreeEntry | language object repository submodule
UnassignedEvent | actor assignable assignee user
UnknownSignature | signer
UnlabeledEvent | actor label labelable
UnlockedEvent | actor lockable
UnmarkedAsDuplicateEvent | actor
UnpinnedEvent | actor issue
UnsubscribedEvent | actor subscribable
UpdateParameters
UserBlockedEvent | actor
UserContentEdit | deletedBy editor
Workflow | runs
WorkflowRun | checkSuite deploymentReviews file pendingDeploymentRequests workflow
WorkflowRunFile | run
`

/** What GitHub publishes to everyone alike, and about nobody's repository. Read as the table above. */
export const published = `
App
CVSS
CWE
CodeOfConduct
CvssSeverities | cvssV3 cvssV4
EPSS
GitHubMetadata
Language
License | conditions limitations permissions
LicenseRule
RateLimit
SecurityAdvisory | cvss cvssSeverities cwes epss identifiers references vulnerabilities
SecurityAdvisoryIdentifier
SecurityAdvisoryPackage
SecurityAdvisoryPackageVersion
SecurityAdvisoryReference
SecurityVulnerability | advisory firstPatchedVersion package
Topic | relatedTopics
`

/** People and groups: only the public half of a profile, every field by name, scalars too. */
export const profiles = `
Bot | avatarUrl databaseId id login resourcePath url
Mannequin | avatarUrl databaseId id login resourcePath url
Organization | avatarUrl databaseId id login name resourcePath url
Team | id name organization slug
User | avatarUrl databaseId id login name resourcePath url
`

/** Edges that the tables above get wrong: by `Type.field`, with what is behind them. */
export const exceptions: Readonly<Record<string, EdgeClass>> = {
  // On which boards an issue is, by name, as its page and its timeline say; `gh issue view` asks for it. A board may be the
  // organization's: nothing else of it, of its columns and of their cards stays.
  'Issue.projectCards': 'stays',
  'PullRequest.projectCards': 'stays',
  'ProjectCard.project': 'stays',
  'ProjectCard.column': 'stays',
  'Project.name': 'stays',
  'ProjectColumn.name': 'stays',
  // Private addresses of whoever the credential belongs to.
  'Repository.viewerDefaultCommitEmail': 'widens',
  'Repository.viewerPossibleCommitEmails': 'widens',
  'Repository.tempCloneToken': 'secret',
  // For a private repository these addresses carry a token of their own.
  'Commit.tarballUrl': 'secret',
  'Commit.zipballUrl': 'secret',
  // As in the REST API.
  'Repository.deployKeys': 'secret',
  'DeployKey.key': 'secret',
}
