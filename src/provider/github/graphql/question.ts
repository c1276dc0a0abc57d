/**
 * The one question that says in which repository something lives: `nodes(ids:)`, or `resource(url:)` for an address,
 * with a way to the repository for each type of which every object belongs to one. A type that is not here has no home
 * that can be told, and what has none is denied.
 */
import type { RebuiltRequest } from '../../adapter.ts'

/**
 * From each type to its repository's name. Left out are the types whose way leads through what may be null or may be
 * several (a linked branch, a reaction, an event), because half an answer is none.
 */
const ways: Readonly<Record<string, readonly string[]>> = {
  nameWithOwner: ['Repository'],
  'repository nameWithOwner': [
    'Blob',
    'BranchProtectionRule',
    'CheckRun',
    'CheckSuite',
    'Commit',
    'CommitComment',
    'CommitCommentThread',
    'DependencyGraphManifest',
    'Deployment',
    'Discussion',
    'DiscussionCategory',
    'Issue',
    'IssueComment',
    'Label',
    'MergeQueue',
    'Milestone',
    'PinnedDiscussion',
    'PinnedEnvironment',
    'PinnedIssue',
    'PullRequest',
    'PullRequestCommitCommentThread',
    'PullRequestReview',
    'PullRequestReviewComment',
    'PullRequestReviewThread',
    'PullRequestThread',
    'Push',
    'Ref',
    'Release',
    'RepositoryVulnerabilityAlert',
    'Tag',
    'Tree',
  ],
  'discussion repository nameWithOwner': ['DiscussionComment', 'DiscussionPoll'],
  'poll discussion repository nameWithOwner': ['DiscussionPollOption'],
  'release repository nameWithOwner': ['ReleaseAsset'],
  'commit repository nameWithOwner': ['Status', 'StatusCheckRollup', 'StatusContext'],
  'deployment repository nameWithOwner': ['DeploymentStatus'],
  // An environment that nothing was ever deployed to says nothing, and is denied.
  'latestCompletedDeployment repository nameWithOwner': ['Environment'],
  'pullRequest repository nameWithOwner': ['MergeQueueEntry', 'PullRequestCommit', 'ReviewRequest'],
  'checkSuite repository nameWithOwner': ['WorkflowRun'],
  'run checkSuite repository nameWithOwner': ['WorkflowRunFile'],
  'source Repository nameWithOwner': ['RepositoryRuleset'],
  'repositoryRuleset source Repository nameWithOwner': ['RepositoryRule'],
}

/** What has an address of its own. */
const addressed: ReadonlySet<string> = new Set([
  'CheckRun',
  'Commit',
  'Issue',
  'Milestone',
  'PullRequest',
  'PullRequestCommit',
  'Release',
  'Repository',
  'WorkflowRun',
  'WorkflowRunFile',
])

/** `Repository` in a way narrows a union; everything else is a field. The first field of each type has a name of its own, so that no two types answer under one. */
type Way = { readonly key: string; readonly steps: readonly string[]; readonly selection: string }

const wayOf: ReadonlyMap<string, Way> = new Map(
  Object.entries(ways)
    .flatMap(([way, types]) => types.map((type) => [type, way] as const))
    .map(([type, way], i): [string, Way] => {
      const key = `w${i}`
      const [first = '', ...below] = way.split(' ')
      const inner = below.reduceRight(
        (rest, step) =>
          `${step === 'Repository' ? '... on Repository' : step}${rest === '' ? '' : ` { ${rest} }`}`,
        '',
      )
      return [
        type,
        {
          key,
          steps: below.filter((step) => step !== 'Repository'),
          selection: `... on ${type} { ${key}: ${first}${inner === '' ? '' : ` { ${inner} }`} }`,
        },
      ]
    }),
)

/** The types of which every object can be told to belong to one repository. */
export const homed: ReadonlySet<string> = new Set(wayOf.keys())

function selections(types: (type: string) => boolean): string {
  return [...wayOf].flatMap(([type, { selection }]) => (types(type) ? [selection] : [])).join(' ')
}

export const nodesQuestion = `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ${selections(() => true)} } }`
export const addressQuestion = `query ($url: URI!) { resource(url: $url) { __typename ${selections((type) => addressed.has(type))} } }`

export function question(
  query: string,
  variables: Readonly<Record<string, unknown>>,
): RebuiltRequest {
  return {
    method: 'POST',
    target: '/graphql',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ query, variables })),
  }
}

/** `repository`: its name in lower case. `none`: it lives in no one repository. `missing`: the answer does not say. */
export type Home =
  | { readonly kind: 'repository'; readonly name: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'missing' }

const name = /^[A-Za-z0-9_-]{1,100}\/[A-Za-z0-9._-]{1,100}$/

/** Reads one node of an answer that someone else wrote. */
export function homeOf(node: unknown): Home {
  if (!isObject(node)) return { kind: 'missing' }
  const type = node['__typename']
  const way = typeof type === 'string' ? wayOf.get(type) : undefined
  if (way === undefined) return { kind: 'none' }
  let value = node[way.key]
  for (const step of way.steps) value = isObject(value) ? value[step] : undefined
  return typeof value === 'string' && name.test(value)
    ? { kind: 'repository', name: value.toLowerCase() }
    : { kind: 'missing' }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
