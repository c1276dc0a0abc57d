/**
 * Settings whose value is no secret, and settings that one session may change without changing what its later
 * statements mean. Projects keep secrets in settings of their own (`app.settings.jwt_secret`), and the server keeps
 * connection strings and key scripts in its, so a setting that is not named here is a secret to read.
 */

const shown: ReadonlySet<string> = new Set(
  `application_name block_size bytea_output client_encoding datestyle default_transaction_isolation
  default_transaction_read_only effective_cache_size idle_in_transaction_session_timeout integer_datetimes
  intervalstyle is_superuser jit lc_collate lc_ctype lc_messages lc_monetary lc_numeric lc_time lock_timeout
  maintenance_work_mem max_connections max_identifier_length max_parallel_workers max_wal_size max_worker_processes
  random_page_cost role row_security search_path seq_page_cost server_encoding server_version server_version_num
  session_authorization shared_buffers standard_conforming_strings statement_timeout timezone transaction_isolation
  transaction_read_only wal_level work_mem`.split(/\s+/),
)

const harmless: ReadonlySet<string> = new Set(
  `application_name bytea_output client_min_messages datestyle extra_float_digits
  idle_in_transaction_session_timeout intervalstyle lock_timeout maintenance_work_mem statement_timeout timezone
  work_mem`.split(/\s+/),
)

/** Names of settings are case-insensitive. */
export function isSafeSetting(name: string): boolean {
  return shown.has(name.toLowerCase())
}

/** All others, `search_path`, `role`, `standard_conforming_strings` among them, change what later text does. */
export function isHarmlessToSet(name: string): boolean {
  return harmless.has(name.toLowerCase())
}
