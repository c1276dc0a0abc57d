/**
 * Runs the programs around the embedded PostgreSQL. Guarantees, against a server or a tool that is compromised or merely
 * prints its environment: none of them ever sees the broker's, which holds secrets.
 */
import { spawn } from 'node:child_process'

/** What every child gets, and all it gets. */
export const childEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
}

export type ClusterLog = {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

export type ClusterRefusal = {
  readonly ok: false
  readonly reason:
    | 'unsupported_platform'
    | 'no_server_user'
    | 'unreachable_directory'
    | 'socket_directory'
    | 'binaries'
    | 'leftover'
    | 'init_failed'
    | 'version_mismatch'
    | 'start_failed'
  /** A sentence for the operator, which says what to do where there is something to do. */
  readonly detail: string
}

export function refuse(reason: ClusterRefusal['reason'], detail: string): ClusterRefusal {
  return { ok: false, reason, detail }
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

/** Who a child runs as; undefined for the broker's own user. */
export type RunAs = { readonly uid: number; readonly gid: number } | undefined

export type CommandResult = {
  /** Undefined where it could not be started, was killed or ran out of time. */
  readonly status: number | undefined
  readonly stdout: string
  /** Also says why it could not be started. */
  readonly stderr: string
}

/** Runs a program to its end, for at most `timeout` milliseconds; keeps at most 64 KiB of what it prints. */
export function runCommand(
  file: string,
  args: readonly string[],
  options: { readonly as?: RunAs; readonly timeout?: number } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const output = { stdout: '', stderr: '' }
    const child = spawn(file, args, {
      env: { ...childEnvironment },
      // Its own directory may be one that the other user cannot enter.
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeout ?? 10_000,
      killSignal: 'SIGKILL',
      ...(options.as === undefined ? {} : { uid: options.as.uid, gid: options.as.gid }),
    })
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (output[name].length < 65_536) output[name] += text
      })
    }
    child.once('error', (error) =>
      resolve({ status: undefined, stdout: '', stderr: error.message }),
    )
    child.once('close', (status) => resolve({ status: status ?? undefined, ...output }))
  })
}

/** The end of what a program printed, on one line. */
export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-4).join(' / ').slice(0, 600)
}
