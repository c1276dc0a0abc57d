/**
 * How the embedded PostgreSQL is set. Everything is passed on its command line, which outranks every file in the
 * cluster's directory, so that no file that its user can write changes who may connect, what is logged, or whether a
 * commit is on disk.
 */
import { serverPort } from './cluster-leftover.ts'

export type ServerPaths = {
  readonly socket: string
  readonly hbaFile: string
  readonly identFile: string
}

export function serverSettings({
  socket,
  hbaFile,
  identFile,
}: ServerPaths): Readonly<Record<string, string>> {
  return {
    // Reached through its socket and nowhere else. A value that is a list takes a name with a comma only in quotes.
    listen_addresses: '',
    port: String(serverPort),
    unix_socket_directories: `"${socket.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    unix_socket_group: '',
    hba_file: hbaFile,
    ident_file: identFile,
    ssl: 'off',
    allow_alter_system: 'off',
    // No standby, no base backup: nothing that hands out the whole cluster.
    wal_level: 'minimal',
    max_wal_senders: '0',
    archive_mode: 'off',
    shared_preload_libraries: '',
    session_preload_libraries: '',
    local_preload_libraries: '',

    // What was answered on is on disk.
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',

    // A small server for one client program.
    max_connections: '100',
    shared_buffers: '64MB',
    work_mem: '4MB',
    maintenance_work_mem: '32MB',
    max_wal_size: '512MB',
    max_worker_processes: '4',
    max_logical_replication_workers: '0',
    io_method: 'sync',
    jit: 'off',

    // No statement and no value of one is ever logged: a message of level ERROR can quote a value (`invalid input
    // syntax for …`), and its detail a whole row. The broker learns of errors where it made them.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_statement: 'none',
    log_min_duration_statement: '-1',
    log_min_duration_sample: '-1',
    log_transaction_sample_rate: '0',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
    debug_print_parse: 'off',
    debug_print_plan: 'off',
    debug_print_rewritten: 'off',
    log_checkpoints: 'off',
    log_connections: '',
    log_disconnections: 'off',
    log_lock_waits: 'off',
    log_temp_files: '-1',
    log_autovacuum_min_duration: '-1',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_line_prefix: '%m [%p] ',
    log_timezone: 'UTC',
    timezone: 'UTC',
    cluster_name: 'valetkey',
  }
}

/**
 * Who may connect: whoever the kernel says is the broker's own user. The socket's directory is closed to others already;
 * `peer` also holds where that is misjudged, and costs nothing, while a password would have to be kept somewhere.
 */
export const hbaRules = 'local all all peer map=broker\n'

export function identMap(peer: string): string {
  return [superuser, role].map((name) => `broker "${peer}" ${name}\n`).join('')
}

/** Makes the database and its role, and is not used afterwards. */
export const superuser = 'postgres'
/** What the broker works as. Not a superuser, so that a statement smuggled into one of its own reads no file and runs no program. */
export const role = 'valetkey'
export const database = 'valetkey'
