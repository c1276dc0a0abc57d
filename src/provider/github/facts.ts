/** What a person is told before something of GitHub's is deleted: what it is called, how big it is, what it points to. */
import type { FactRules, Field, Same } from '../facts/rule.ts'

const created: Field = { label: 'created', at: 'created_at', as: 'time' }
const repository: Same = { at: 'full_name', is: '{owner}/{repo}', caseless: true }

export const facts: FactRules = {
  rules: [
    {
      is: 'object',
      of: ['repos/delete', 'repos/update', 'repos/transfer'],
      what: 'Repository',
      ask: { operation: 'repos/get', same: repository },
      name: 'full_name',
      kind: 'repository',
      fields: [
        { label: 'visibility', at: 'visibility' },
        { label: 'archived', at: 'archived' },
        { label: 'size', at: 'size', unit: 'KB' },
        { label: 'default branch', at: 'default_branch' },
        { label: 'last push', at: 'pushed_at', as: 'time' },
        { label: 'stars', at: 'stargazers_count' },
        { label: 'forks', at: 'forks_count' },
        { label: 'open issues and pull requests', at: 'open_issues_count' },
        created,
      ],
    },
    {
      is: 'list',
      of: ['repos/delete'],
      what: 'Branches deleted with it',
      ask: { operation: 'repos/list-branches', arguments: { per_page: '100' } },
      items: '',
      page: 100,
      name: 'name',
    },
    {
      is: 'list',
      of: ['repos/delete'],
      what: 'Releases deleted with it',
      ask: { operation: 'repos/list-releases', arguments: { per_page: '100' } },
      items: '',
      page: 100,
      name: 'tag_name',
    },
    {
      is: 'object',
      of: ['git/delete-ref', 'git/update-ref'],
      what: 'Reference',
      ask: { operation: 'git/get-ref', same: { at: 'ref', is: 'refs/{ref}' } },
      name: 'ref',
      fields: [
        { label: 'points to the', at: 'object.type' },
        { label: 'with the id', at: 'object.sha' },
      ],
    },
    {
      is: 'object',
      of: ['repos/rename-branch'],
      what: 'Branch',
      ask: { operation: 'repos/get-branch', same: { at: 'name', is: '{branch}' } },
      name: 'name',
      fields: [
        { label: 'protected', at: 'protected' },
        { label: 'points to the commit', at: 'commit.sha' },
        { label: 'last commit', at: 'commit.commit.committer.date', as: 'time' },
      ],
    },
    {
      is: 'object',
      of: ['repos/delete-release'],
      what: 'Release',
      ask: { operation: 'repos/get-release', same: { at: 'id', is: '{release_id}' } },
      name: 'name',
      fields: [
        { label: 'tag', at: 'tag_name' },
        { label: 'draft', at: 'draft' },
        { label: 'files deleted with it', at: 'assets.*.name' },
        { label: 'published', at: 'published_at', as: 'time' },
      ],
    },
    {
      is: 'object',
      of: ['repos/delete-an-environment'],
      what: 'Deployment environment',
      ask: { operation: 'repos/get-environment', same: { at: 'name', is: '{environment_name}' } },
      name: 'name',
      fields: [{ label: 'protection rules', at: 'protection_rules.*.type' }, created],
    },
    {
      is: 'object',
      of: ['repos/delete-deployment'],
      what: 'Deployment',
      ask: { operation: 'repos/get-deployment', same: { at: 'id', is: '{deployment_id}' } },
      fields: [
        { label: 'environment', at: 'environment' },
        { label: 'ref', at: 'ref' },
        { label: 'commit', at: 'sha' },
        created,
      ],
    },
  ],
}
