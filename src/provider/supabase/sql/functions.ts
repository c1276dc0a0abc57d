/**
 * What a function of PostgreSQL does when it is called, reviewed by name. A function in no list may do whatever the
 * role that runs it may (it may be SECURITY DEFINER, run SQL that it is handed as text, read files, send requests), so
 * it has every effect. Lists name functions of `pg_catalog`; a few of Supabase's own stand with their schema.
 */
import { isSafeSetting } from './settings.ts'
import type { Effect } from '../../../core/operation.ts'

/** What nothing is known of. */
export const unbounded: readonly Effect[] = ['write', 'destructive', 'secret', 'admin']

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/** Compute from their arguments, or describe the server and its schema. None writes, waits, locks or runs SQL text. */
export const pureFunctions: ReadonlySet<string> = new Set(
  words(`
  abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd cosh cot cotd degrees
  div erf erfc exp factorial floor gcd lcm ln log log10 min_scale mod pi pow power radians random random_normal round
  scale sign sin sind sinh sqrt tan tand tanh trim_scale trunc width_bucket
  ascii bit_count bit_length btrim casefold char_length character_length chr concat concat_ws convert convert_from
  convert_to decode encode format get_bit get_byte initcap is_normalized left length like_escape lower lpad ltrim md5
  normalize octet_length overlay parse_ident position quote_ident quote_literal quote_nullable regexp_count
  regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table
  regexp_substr repeat replace reverse right rpad rtrim set_bit set_byte sha224 sha256 sha384 sha512 similar_escape
  similar_to_escape split_part starts_with string_to_array string_to_table strpos substr substring to_ascii to_bin
  to_hex to_oct translate unistr upper crc32 crc32c
  age clock_timestamp date date_add date_bin date_part date_subtract date_trunc extract isfinite justify_days
  justify_hours justify_interval make_date make_interval make_time make_timestamp make_timestamptz now overlaps
  statement_timestamp timeofday timezone to_char to_date to_number to_timestamp transaction_timestamp
  array_agg array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position
  array_positions array_prepend array_remove array_replace array_reverse array_sample array_shuffle array_sort
  array_to_json array_to_string array_upper cardinality generate_series generate_subscripts trim_array unnest
  enum_first enum_last enum_range num_nonnulls num_nulls
  json_agg json_array_elements json_array_elements_text json_array_length json_build_array json_build_object json_each
  json_each_text json_extract_path json_extract_path_text json_object json_object_agg json_object_keys json_strip_nulls
  json_to_record json_to_recordset json_typeof jsonb_agg jsonb_array_elements jsonb_array_elements_text
  jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path
  jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg jsonb_object_keys jsonb_path_exists
  jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query jsonb_path_query_array
  jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz jsonb_pretty jsonb_set
  jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb
  any_value avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp every max min mode
  percentile_cont percentile_disc range_agg range_intersect_agg regr_avgx regr_avgy regr_count regr_intercept regr_r2
  regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance
  cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number
  isempty lower_inc lower_inf range_merge upper_inc upper_inf multirange int4range int8range numrange tsrange tstzrange
  daterange area box center circle diagonal diameter height isclosed isopen line lseg npoints path point polygon radius
  slope width abbrev broadcast family host hostmask inet_merge inet_same_family masklen netmask network set_masklen
  gen_random_uuid uuidv4 uuidv7 uuid_extract_timestamp uuid_extract_version
  array_to_tsvector get_current_ts_config json_to_tsvector jsonb_to_tsvector numnode phraseto_tsquery plainto_tsquery
  querytree setweight strip to_tsquery to_tsvector ts_delete ts_filter ts_headline ts_rank ts_rank_cd tsquery_phrase
  tsvector_to_array websearch_to_tsquery
  bool char float4 float8 int2 int4 int8 interval name numeric text time timestamp timestamptz varchar bpchar
  current_catalog current_database current_schema current_schemas current_user session_user version pg_backend_pid
  pg_client_encoding getdatabaseencoding pg_encoding_to_char pg_is_in_recovery pg_postmaster_start_time pg_typeof
  pg_column_compression pg_column_size pg_database_size pg_indexes_size pg_relation_size pg_size_bytes pg_size_pretty
  pg_table_size pg_total_relation_size col_description format_type obj_description shobj_description
  pg_describe_object pg_get_constraintdef pg_get_expr pg_get_function_arguments pg_get_function_identity_arguments
  pg_get_function_result pg_get_indexdef pg_get_partition_constraintdef pg_get_partkeydef pg_get_ruledef
  pg_get_serial_sequence pg_get_statisticsobjdef pg_get_userbyid pg_get_viewdef pg_index_column_has_property
  pg_index_has_property pg_collation_is_visible pg_function_is_visible pg_opclass_is_visible pg_operator_is_visible
  pg_table_is_visible pg_type_is_visible to_regclass to_regnamespace to_regoper to_regoperator to_regproc
  to_regprocedure to_regrole to_regtype has_any_column_privilege has_column_privilege has_database_privilege
  has_foreign_data_wrapper_privilege has_function_privilege has_language_privilege has_schema_privilege
  has_sequence_privilege has_server_privilege has_table_privilege has_tablespace_privilege has_type_privilege
  pg_has_role row_security_active aclexplode makeaclitem
`),
)

/** With a schema of Supabase's own: hashes, UUIDs, and the claims of the request (none when asked through this API). */
const pureElsewhere: ReadonlySet<string> = new Set(
  words(`
  auth.uid auth.role auth.email
  extensions.uuid_generate_v1 extensions.uuid_generate_v4 extensions.gen_random_uuid extensions.gen_random_bytes
  extensions.gen_salt extensions.crypt extensions.digest extensions.hmac
`),
)

const known: ReadonlyMap<string, readonly Effect[]> = new Map<string, readonly Effect[]>([
  ...words('nextval pg_notify setseed pg_current_xact_id txid_current').map(writes),
  ...words(
    `pg_advisory_lock pg_advisory_lock_shared pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_lock
     pg_try_advisory_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared pg_advisory_unlock
     pg_advisory_unlock_shared pg_advisory_unlock_all`,
  ).map(writes),
  ['setval', ['write', 'destructive']],
  // Denial of service: one call holds a connection, and whatever its transaction has locked, for as long as it says.
  ...words('pg_sleep pg_sleep_for pg_sleep_until').map((name): [string, readonly Effect[]] => [
    name,
    ['write', 'destructive'],
  ]),
  // Changes what every later name, role or string in the session means.
  ['set_config', ['write', 'admin']],
  ...words('pg_cancel_backend pg_terminate_backend').map((name): [string, readonly Effect[]] => [
    name,
    ['write', 'destructive', 'admin'],
  ]),
  // Bodies of functions and arguments of triggers: Supabase's webhooks keep their authorization header there.
  ...words('pg_get_functiondef pg_get_function_sqlbody pg_get_triggerdef').map(
    (name): [string, readonly Effect[]] => [name, ['secret']],
  ),
])

function writes(name: string): [string, readonly Effect[]] {
  return [name, ['write']]
}

/**
 * What a call adds, by its name as the parser gives it: folded to lower case unless it was quoted, one part or several.
 * `setting` is the first argument where it is a plain string. Empty for a pure function.
 *
 * An unqualified name may reach a function of the user's schema whose argument types fit better than those of the
 * one in `pg_catalog`, which PostgreSQL searches first only among equals. No text can tell. It takes the effects of
 * `CREATE FUNCTION` (all of them) to plant one, as it does to plant a function in a view, a default or a policy.
 */
export function functionEffects(
  name: readonly string[],
  setting: string | undefined,
): readonly Effect[] {
  if (name.length === 2 && name[0] !== 'pg_catalog')
    return pureElsewhere.has(name.join('.')) ? [] : unbounded
  const plain = name.at(-1)
  if (plain === undefined || name.length > 2) return unbounded
  if (plain === 'current_setting')
    return setting !== undefined && isSafeSetting(setting) ? [] : ['secret']
  if (pureFunctions.has(plain)) return []
  return known.get(plain) ?? unbounded
}
