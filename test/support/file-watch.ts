/**
 * A thread beside a group's test files, which ends the process where a file takes too long: also where the file keeps
 * its thread busy, or hangs while it is imported, so that no time-out of its own could come.
 */
import { workerData } from 'node:worker_threads'
import { note } from './file-journal.ts'

/** `began`: in milliseconds since 1970; changes as the files do. `most`: in milliseconds. */
export type Watched = {
  readonly began: SharedArrayBuffer
  readonly journal: string
  readonly most: number
}

const { began, journal, most } = workerData as Watched
const since = new Float64Array(began)
setInterval(() => {
  if (Date.now() - (since[0] ?? 0) < most) return
  note(journal, { hung: Date.now() })
  process.kill(process.pid, 'SIGKILL')
}, 1_000)
