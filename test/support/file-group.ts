/**
 * Test files one after the other in one process, so that what they all import is loaded once. Each is a suite with its
 * own hooks, imported when it is its turn. Guarantees: a file that leaves something running, an error uncaught or the
 * process changed fails by name; and a journal says which files began and which ended, so that whoever started the
 * process knows what it owes where it dies or hangs.
 */
import assert from 'node:assert/strict'
import path from 'node:path'
import { suite, test } from 'node:test'
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { note } from './file-journal.ts'
import type { Watched } from './file-watch.ts'

/** How long a file may take, in milliseconds. The longest takes half a minute on a quiet machine, and eight times that on a busy one. */
const fileTime = 600_000
/** How long what a file has closed may take to be gone. */
const settleTime = 10_000

/** `files`: absolute. */
export async function runGroup(files: readonly string[], journal: string): Promise<void> {
  const began = new Float64Array(new SharedArrayBuffer(8))
  began[0] = Date.now()
  const workerData: Watched = {
    began: began.buffer,
    journal,
    most: fileTime + settleTime + 20_000,
  }
  new Worker(new URL('file-watch.ts', import.meta.url), { workerData }).unref()
  // The runner fails the whole group for these, and says so only where the group comes to its end.
  let uncaught: unknown[] = []
  process.on('uncaughtException', (error) => uncaught.push(error))
  process.on('unhandledRejection', (reason) => uncaught.push(reason))

  let clean = true
  for (const file of files) {
    const name = path.relative(process.cwd(), file)
    let before = state()
    began[0] = Date.now()
    note(journal, { file, began: began[0] })
    await suite(name, { timeout: fileTime }, async () => {
      before = state()
      await import(pathToFileURL(file).href)
    })
    await told()
    const left = [...(await leftOver(before)), ...uncaught.map(String)]
    uncaught = []
    if (left.length > 0) {
      clean = false
      await test(`${name} leaves the process as it was`, () => assert.deepEqual(left, []))
      await told()
    }
    note(journal, { file, ended: Date.now() })
  }
  began[0] = Date.now()
  // What a file has left running would keep the process from ending.
  if (!clean) setTimeout(() => process.exit(1), settleTime).unref()
}

/** What the tests came to is handed to the runner in ticks of its own, and lost where the next file ends the process. */
async function told(): Promise<void> {
  for (let i = 0; i < 5; i++) await immediate()
}

type State = {
  readonly running: ReadonlyMap<string, number>
  readonly environment: string
  readonly directory: string
  readonly listeners: string
}

/** Not `exit`: libraries listen to it once they are loaded, which changes nothing. */
const watched = ['uncaughtException', 'unhandledRejection', 'SIGINT', 'SIGTERM'] as const

function state(): State {
  const running = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo())
    running.set(kind, (running.get(kind) ?? 0) + 1)
  return {
    running,
    environment: JSON.stringify(process.env, Object.keys(process.env).toSorted()),
    directory: process.cwd(),
    listeners: watched.map((name) => `${name}: ${process.listenerCount(name)}`).join(', '),
  }
}

/** What is there now and was not before; waits for what is about to end. */
async function leftOver(before: State): Promise<string[]> {
  const end = performance.now() + settleTime
  for (;;) {
    const now = state()
    const left = [...now.running]
      .filter(([kind, count]) => count > (before.running.get(kind) ?? 0))
      .map(([kind, count]) => `${kind}: ${count - (before.running.get(kind) ?? 0)}`)
    if (now.environment !== before.environment) left.push('its environment is another')
    if (now.directory !== before.directory) left.push(`it works in ${now.directory}`)
    if (now.listeners !== before.listeners)
      left.push(`listeners: ${before.listeners} became ${now.listeners}`)
    if (left.length === 0 || performance.now() > end) return left
    await sleep(5)
  }
}
