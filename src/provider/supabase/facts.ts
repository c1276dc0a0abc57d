/**
 * What a person is told before something of Supabase's is destroyed. The backups of a project are the project's own and
 * are deleted with it: none is independent. What SQL destroys they outlive.
 */
import type { FactRules, ListRule } from '../facts/rule.ts'

const destroysProject = ['v1-delete-a-project']
const sql = ['v1-run-a-query']
const restores = ['v1-restore-pitr-backup', 'v1-restore-physical-backup', 'v1-restore-a-project']
const onProject = [...destroysProject, ...sql, ...restores, 'v1-pause-a-project']
const onBranch = ['v1-delete-a-branch', 'v1-reset-a-branch']

const backups: Omit<ListRule, 'of' | 'what'> = {
  is: 'list',
  ask: { operation: 'v1-list-all-backups' },
  items: 'backups',
  only: [{ at: 'status', is: 'COMPLETED' }],
  made: { at: 'inserted_at', as: 'time' },
  fields: [{ label: 'physical', at: 'is_physical_backup' }],
}

export const facts: FactRules = {
  rules: [
    {
      is: 'object',
      of: onProject,
      what: 'Project',
      ask: { operation: 'v1-get-project', same: { at: 'ref', is: '{ref}' } },
      name: 'name',
      kind: 'project',
      fields: [
        { label: 'status', at: 'status' },
        { label: 'region', at: 'region' },
        { label: 'organization', at: 'organization_slug' },
        { label: 'PostgreSQL', at: 'database.version' },
        { label: 'created', at: 'created_at', as: 'time' },
      ],
    },
    { ...backups, of: destroysProject, what: 'Backups that die with it', backups: 'die' },
    { ...backups, of: [...sql, ...restores], what: 'Backups of the project', backups: 'survive' },
    {
      is: 'object',
      of: onProject,
      what: 'Point-in-time recovery',
      ask: { operation: 'v1-list-all-backups' },
      fields: [
        { label: 'switched on', at: 'pitr_enabled' },
        {
          label: 'back to',
          at: 'physical_backup_data.earliest_physical_backup_date_unix',
          as: 'seconds',
        },
        {
          label: 'up to',
          at: 'physical_backup_data.latest_physical_backup_date_unix',
          as: 'seconds',
        },
      ],
    },
    {
      is: 'list',
      of: destroysProject,
      what: 'Branches that are deleted with it',
      ask: { operation: 'v1-list-all-branches' },
      items: '',
      name: 'name',
    },
    {
      is: 'list',
      of: destroysProject,
      what: 'Storage buckets that are deleted with it',
      ask: { operation: 'v1-list-all-buckets' },
      items: '',
      name: 'name',
    },
    {
      is: 'object',
      of: onBranch,
      what: 'Branch',
      // The passwords and keys that stand in this answer are taken out of it before anything is told.
      ask: { operation: 'v1-get-a-branch-config', same: { at: 'ref', is: '{branch_id_or_ref}' } },
      fields: [
        { label: 'status', at: 'status' },
        { label: 'PostgreSQL', at: 'postgres_version' },
        { label: 'ref', at: 'ref' },
      ],
    },
    {
      is: 'object',
      of: ['v1-delete-a-function'],
      what: 'Function',
      ask: { operation: 'v1-get-a-function', same: { at: 'slug', is: '{function_slug}' } },
      name: 'name',
      fields: [
        { label: 'status', at: 'status' },
        { label: 'version', at: 'version' },
      ],
    },
  ],
  dataless: ['v1-delete-a-function', 'v1-pause-a-project'],
}
