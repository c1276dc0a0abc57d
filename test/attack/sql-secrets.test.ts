/** A secret read like any other row: from the platform's tables, the server's catalogues, its settings and bodies. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classifySql, prepareSql } from '../../src/provider/supabase/sql/classify.ts'

await prepareSql()

test('a read of what holds credentials has the effect secret, wherever the table stands', () => {
  for (const text of [
    'select * from auth.users',
    'select encrypted_password from "auth"."users"',
    'select * from postgres.auth.refresh_tokens',
    'table auth.sessions',
    'select * from vault.decrypted_secrets',
    'select (select decrypted_secret from vault . decrypted_secrets limit 1)',
    'select 1 union select secret from U&"v\\0061ult".secrets',
    'with a as (select * from VAULT.secrets) select 1',
    'select 1 from t join lateral (select * from auth.one_time_tokens) x on true',
    'select exists (select 1 from auth.users where email like $1)',
    'select * from t tablesample system (1), auth.users tablesample system (1)',
    'explain analyze select * from auth.users',
    'select * from pg_authid',
    'select rolpassword from pg_catalog.pg_authid',
    'select passwd from pg_shadow',
    'select useconfig from pg_user',
    'select rolconfig from pg_roles',
    'select * from pg_db_role_setting',
    'select query from pg_stat_activity',
    'select query from pg_stat_statements',
    'select * from extensions.pg_stat_statements',
    'select * from pg_settings',
    'select prosrc from pg_proc',
    'select tgargs from pg_trigger',
    'select action_statement from information_schema.triggers',
    'select routine_definition from information_schema.routines',
    'select most_common_vals from pg_stats',
    'select umoptions from pg_user_mappings',
    'select srvoptions from pg_foreign_server',
    'select subconninfo from pg_subscription',
    'select data from pg_largeobject',
    'select * from pg_catalog.pg_not_invented_yet',
    'select * from net._http_response',
    'select command from cron.job',
    'select * from supabase_functions.hooks',
    'select statements from supabase_migrations.schema_migrations',
    'select * from pg_toast.pg_toast_16384',
    'select * from storage.s3_multipart_uploads',
    "select current_setting('app.settings.jwt_secret')",
    "select current_setting('app.' || 'settings.jwt_secret')",
    "select current_setting(U&'\\0061pp.settings.jwt_secret')",
    "select current_setting(setting_name => 'app.settings.jwt_secret')",
    'select current_setting(b) from t',
    "select x.current_setting from lower('app.settings.jwt_secret') x",
    "select ('app.settings.jwt_secret'::text).current_setting",
    'show app.settings.jwt_secret',
    'show all',
    'show primary_conninfo',
    "select pg_get_functiondef('f'::regproc)",
    'insert into t select * from vault.decrypted_secrets',
    'create view v with (security_invoker) as select * from auth.users',
    'create materialized view v as select * from auth.users',
    'update t set a = s.secret from vault.secrets s where t.id = 1',
    'delete from t using auth.users u where u.id = t.id returning u.*',
    'prepare p as select * from auth.users',
    "select query_to_xml('select * from vault.secrets', true, true, '')",
    "select table_to_xml('vault.secrets', true, true, '')",
  ]) {
    const found = classifySql(text)
    assert(found.ok && found.effects.includes('secret'), `${text}\n${JSON.stringify(found)}`)
  }
})

test("the user's own tables and what describes them are no secret", () => {
  for (const text of [
    'select * from users',
    'select * from public.secrets',
    'select * from "Auth".users',
    'select * from pg_tables',
    'select * from information_schema.columns',
    'select name from storage.objects',
    "select current_setting('timezone')",
    'create table p (id uuid references auth.users)',
  ]) {
    const found = classifySql(text)
    assert(found.ok && !found.effects.includes('secret'), text)
  }
})
