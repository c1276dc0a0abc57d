/**
 * Which tables hold credentials. By allow-list inside the schemas of PostgreSQL and of Supabase, so that a catalogue
 * that a later version adds is a secret until it was reviewed; tables in the user's own schemas are taken as data, and a name without schema as the user's (a role whose search path
 * reaches into `auth` takes `admin` to make).
 */

/** Written by the platform: a row placed there is a user, a scheduled statement, a request to be sent, a policy. */
const platformSchemas: ReadonlySet<string> = new Set(
  `auth storage vault extensions net cron realtime graphql graphql_public pgsodium pgsodium_masks pgbouncer pgtle pgmq
  hooks wrappers repack pg_catalog information_schema pg_toast`.split(/\s+/),
)

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/** Without `pg_proc` and `pg_trigger` (bodies, webhook headers), `pg_roles` and `pg_db_role_setting` (settings), `pg_stats` (samples of rows). */
const openCatalog: ReadonlySet<string> = new Set(
  words(`
  pg_aggregate pg_am pg_amop pg_amproc pg_attrdef pg_attribute pg_available_extension_versions pg_available_extensions
  pg_cast pg_class pg_collation pg_constraint pg_conversion pg_database pg_default_acl pg_depend pg_description pg_enum
  pg_extension pg_index pg_indexes pg_inherits pg_init_privs pg_language pg_locks pg_matviews pg_namespace pg_opclass
  pg_operator pg_opfamily pg_partitioned_table pg_policies pg_policy pg_publication pg_publication_namespace
  pg_publication_rel pg_publication_tables pg_range pg_rewrite pg_rules pg_sequence pg_sequences pg_shdepend
  pg_shdescription pg_stat_all_indexes pg_stat_all_tables pg_stat_archiver pg_stat_bgwriter pg_stat_checkpointer
  pg_stat_database pg_stat_database_conflicts pg_stat_io pg_stat_sys_indexes pg_stat_sys_tables pg_stat_user_functions
  pg_stat_user_indexes pg_stat_user_tables pg_stat_wal pg_stat_xact_all_tables pg_stat_xact_user_tables
  pg_statio_all_indexes pg_statio_all_sequences pg_statio_all_tables pg_statio_user_indexes pg_statio_user_sequences
  pg_statio_user_tables pg_statistic_ext pg_tables pg_tablespace pg_timezone_abbrevs pg_timezone_names pg_ts_config
  pg_ts_config_map pg_ts_dict pg_ts_parser pg_ts_template pg_type pg_views
`),
)

/** Without `routines` and `triggers` (bodies), and the options of foreign servers and users' mappings. */
const openInformation: ReadonlySet<string> = new Set(
  words(`
  applicable_roles attributes character_sets check_constraints collations column_column_usage column_domain_usage
  column_privileges column_udt_usage columns constraint_column_usage constraint_table_usage data_type_privileges
  domain_constraints domain_udt_usage domains element_types enabled_roles information_schema_catalog_name
  key_column_usage parameters referential_constraints role_column_grants role_routine_grants role_table_grants
  routine_privileges schemata sequences table_constraints table_privileges tables triggered_update_columns
  udt_privileges usage_privileges user_defined_types view_column_usage view_routine_usage view_table_usage views
`),
)

/** Metadata of files, no credentials. */
const openStorage: ReadonlySet<string> = new Set(['buckets', 'objects', 'prefixes'])

export function isPlatformSchema(schema: string): boolean {
  return platformSchemas.has(schema) || /^(?:_|supabase_|pgsodium)/.test(schema)
}

/** Whether it belongs to PostgreSQL or the platform. An unqualified `pg_…` is found in `pg_catalog` first. */
export function isPlatformRelation(schema: string | undefined, name: string): boolean {
  return schema === undefined ? name.startsWith('pg_') : isPlatformSchema(schema)
}

export function holdsSecrets(schema: string | undefined, name: string): boolean {
  if (!isPlatformRelation(schema, name)) return false
  if (schema === undefined || schema === 'pg_catalog') return !openCatalog.has(name)
  if (schema === 'information_schema') return !openInformation.has(name)
  if (schema === 'storage') return !openStorage.has(name)
  return true
}
