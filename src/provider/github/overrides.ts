/**
 * What was reviewed by hand, where the rules of `effects.ts` are wrong or do not reach: the operations themselves, and
 * what their arguments change. Everything here is compiled into the catalogue; `compile.ts` refuses a name that the
 * description does not have, so that a renamed operation cannot silently lose its review.
 */
import type { Condition } from '../../core/condition.ts'
import type { Effect } from '../../core/operation.ts'

/** Metadata of GitHub itself, the same for whoever asks. `meta/root` is not: it is left to the account. */
export const publicOperations: readonly string[] = [
  'codes-of-conduct/get-all-codes-of-conduct',
  'codes-of-conduct/get-conduct-code',
  'emojis/get',
  'gitignore/get-all-templates',
  'gitignore/get-template',
  'licenses/get',
  'licenses/get-all-commonly-used',
  'meta/get',
  'meta/get-all-versions',
  'meta/get-octocat',
  'meta/get-zen',
  'rate-limit/get',
  'security-advisories/get-global-advisory',
  'security-advisories/list-global-advisories',
]

/** The whole effects of an operation, in place of what the rules give. */
export const effectOverrides: Readonly<Record<string, readonly Effect[]>> = {
  // DELETEs that the same caller undoes with the matching PUT or POST, and that lose nothing.
  'activity/delete-repo-subscription': ['write'],
  'issues/remove-assignees': ['write'],
  'issues/remove-label': ['write'],
  'issues/unlock': ['write'],
  'issues/unpin-comment': ['write'],
  'pulls/remove-requested-reviewers': ['write'],
  'reactions/delete-for-commit-comment': ['write'],
  'reactions/delete-for-issue': ['write'],
  'reactions/delete-for-issue-comment': ['write'],
  'reactions/delete-for-pull-request-comment': ['write'],
  'reactions/delete-for-release': ['write'],
  // A GET that makes something.
  'dependency-graph/generate-sbom-report': ['write'],
  // GETs whose answers hold a token, or what servers of an agent are started with.
  'actions/list-runner-applications-for-repo': ['read', 'secret'],
  'actions/list-runner-applications-for-org': ['read', 'secret'],
  'copilot/get-copilot-cloud-agent-configuration': ['read', 'secret'],
  // Names and settings, no values.
  'secret-scanning/get-scan-history': ['read'],
  'secret-scanning/list-repo-custom-patterns': ['read'],
  // Another repository, another owner, another name for everyone who depends on this one.
  'repos/delete': ['write', 'destructive', 'admin'],
  'repos/transfer': ['write', 'destructive', 'admin'],
  'repos/rename-branch': ['write', 'destructive', 'admin'],
  // Overwrites the repository's history.
  'migrations/start-import': ['write', 'destructive', 'admin'],
  // Who may merge, and which warnings count, rest on these.
  'actions/disable-workflow': ['write', 'admin'],
  'actions/enable-workflow': ['write', 'admin'],
  'code-scanning/update-alert': ['write', 'admin'],
  'dependabot/update-alert': ['write', 'admin'],
  'pulls/dismiss-review': ['write', 'destructive', 'admin'],
  // As in GraphQL, where the same is called mergePullRequest and mergeBranch: who merges says that the reviews and checks
  // were enough, and what lands on the branch is what runs there with the repository's secrets.
  'pulls/merge': ['write', 'admin'],
  'repos/merge': ['write', 'admin'],
  'repos/merge-upstream': ['write', 'admin'],
  // Start machines or agents that hold rights of their own.
  'agent-tasks/create-task-in-repo': ['write', 'admin'],
  'codespaces/create-with-pr-for-authenticated-user': ['write', 'admin'],
  'codespaces/create-with-repo-for-authenticated-user': ['write', 'admin'],
  // Builds of what is already published.
  'repos/request-pages-build': ['write'],
}

/** Two spellings of one request: the first is catalogued for its name, and never found. */
export const sameRequest: Readonly<Record<string, string>> = {
  'repos/compare-commits': 'repos/compare-commits-with-basehead',
}

/** Refused to everyone, and why. Each completes "`operation` is refused to everyone: …". */
export const denied: Readonly<Record<string, string>> = {
  'repos/compare-commits':
    'the same request is repos/compare-commits-with-basehead, which stands for both',
  'repos/upload-release-asset':
    'it is served by another origin, uploads.github.com, and its body is not understood',
  'markdown/render-raw': 'its body is not JSON',
  'issues/approve-suggestion': 'what it changes is not in the request',
  'issues/dismiss-suggestion': 'what it changes is not in the request',
  'pull-request-stacks/add': 'what it does to other pull requests could not be told',
  'pull-request-stacks/create': 'what it does to other pull requests could not be told',
  'pull-request-stacks/unstack': 'what it does to other pull requests could not be told',
}

/** The root of a repository, which Octokit's own template cannot spell. */
export const alsoAt: Readonly<Record<string, readonly string[]>> = {
  'repos/get-content': ['/repos/{owner}/{repo}/contents'],
}

/** Answers that are bytes: archives, logs, assets. */
export const opaqueAnswers: readonly string[] = [
  'actions/download-artifact',
  'actions/download-job-logs-for-workflow-run',
  'actions/download-workflow-run-attempt-logs',
  'actions/download-workflow-run-logs',
  'code-scanning/get-codeql-database',
  'migrations/download-archive-for-org',
  'migrations/get-archive-for-authenticated-user',
  'repos/download-tarball-archive',
  'repos/download-zipball-archive',
  'repos/get-release-asset',
]

/** Parameters that hold a `/` although the description does not say so: GitHub wants it as `%2F` in them. */
export const slashParameters: readonly string[] = [
  '/repos/{owner}/{repo}/environments/{environment_name}',
  '/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}',
  '/repos/{owner}/{repo}/labels/{name}',
]

const otherRepositories = 'it answers with objects of other repositories'
const namesAnotherObject = 'it names an object by an id that may be of another repository'

/** Files that decide what runs with the repository's secrets, or whose review a change needs. */
const governingFiles = ['.github', 'CODEOWNERS', 'docs/CODEOWNERS'] as const

const crossFork = (path: string): Condition => ({
  path,
  contains: ':',
  widens: 'it compares with a repository of another owner or name',
})

const present = (path: string, ...adds: readonly Effect[]): Condition => ({ path, adds })

export const conditions: Readonly<Record<string, readonly Condition[]>> = {
  'repos/update': [
    present('body.private', 'destructive', 'admin'),
    present('body.visibility', 'destructive', 'admin'),
    present('body.archived', 'destructive'),
    present('body.default_branch', 'admin'),
    // A renamed repository leaves the environment that its old name is bound to.
    present('body.name', 'destructive', 'admin'),
    present('body.security_and_analysis', 'admin'),
    present('body.allow_forking', 'admin'),
    present('body.web_commit_signoff_required', 'admin'),
    present('body.pull_request_creation_policy', 'admin'),
    present('body.is_template', 'admin'),
  ],
  'repos/create-or-update-file-contents': [
    { path: 'path', under: governingFiles, adds: ['admin'] },
  ],
  'repos/delete-file': [{ path: 'path', under: governingFiles, adds: ['admin'] }],
  'git/create-tree': [
    { path: 'body.tree.*.path', under: governingFiles, adds: ['admin'] },
    // Deletes the file at that path.
    { path: 'body.tree.*.sha', equals: null, adds: ['destructive'] },
  ],
  'git/update-ref': [{ path: 'body.force', noneOf: [false, null], adds: ['destructive'] }],
  'actions/re-run-job-for-workflow-run': [
    { path: 'body.enable_debugger', noneOf: [false, null], adds: ['admin'] },
  ],
  // It merges the default branch into the one that it deploys, unless it is told not to.
  'repos/create-deployment': [
    { path: 'body.auto_merge', noneOf: [false], adds: ['admin'] },
    { path: 'body', lacks: 'auto_merge', adds: ['admin'] },
  ],
  'pulls/create': [
    {
      path: 'body.head',
      ownerDiffersFrom: 'owner',
      widens: 'its head is a branch of another owner',
    },
    {
      path: 'body.head_repo',
      differsFrom: 'repo',
      widens: 'its head is a branch of another repository',
    },
  ],
  'pulls/create-review': [{ path: 'body.event', equals: 'APPROVE', adds: ['admin'] }],
  'pulls/submit-review': [{ path: 'body.event', equals: 'APPROVE', adds: ['admin'] }],
  'issues/update': [{ path: 'body.duplicate_issue_id', widens: namesAnotherObject }],
  'issues/add-sub-issue': [{ widens: namesAnotherObject }],
  'issues/remove-sub-issue': [{ widens: namesAnotherObject }],
  'issues/reprioritize-sub-issue': [{ widens: namesAnotherObject }],
  'issues/add-blocked-by-dependency': [{ widens: namesAnotherObject }],
  'issues/remove-dependency-blocked-by': [{ widens: namesAnotherObject }],
  'issues/get-parent': [{ widens: otherRepositories }],
  'issues/list-sub-issues': [{ widens: otherRepositories }],
  'issues/list-dependencies-blocked-by': [{ widens: otherRepositories }],
  'issues/list-dependencies-blocking': [{ widens: otherRepositories }],
  'issues/list-events-for-timeline': [{ widens: otherRepositories }],
  'activity/list-public-events-for-repo-network': [{ widens: otherRepositories }],
  'repos/list-forks': [{ widens: otherRepositories }],
  'code-scanning/create-variant-analysis': [{ widens: 'it runs a query on other repositories' }],
  'code-scanning/get-variant-analysis': [{ widens: otherRepositories }],
  'repos/compare-commits-with-basehead': [crossFork('basehead')],
  'dependency-graph/diff-range': [crossFork('basehead')],
  'repos/create-fork': [{ widens: 'it makes another repository' }],
  'repos/create-using-template': [{ widens: 'it makes another repository' }],
  'repos/transfer': [{ widens: 'it gives the repository to another owner' }],
  'security-advisories/create-fork': [{ widens: 'it makes another repository' }],
  'security-advisories/create-repository-advisory': [
    {
      path: 'body.start_private_fork',
      noneOf: [false, null],
      widens: 'it makes another repository',
    },
  ],
  'security-advisories/create-private-vulnerability-report': [
    {
      path: 'body.start_private_fork',
      noneOf: [false, null],
      widens: 'it makes another repository',
    },
  ],
}

/** Where an answer holds a credential that GitHub made for it. What it holds beside what was asked for is in `revealed.ts`. */
export const mintedPaths: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'actions/create-registration-token-for-repo': [['token']],
  'actions/create-remove-token-for-repo': [['token']],
  'actions/generate-runner-jitconfig-for-repo': [['encoded_jit_config']],
}
