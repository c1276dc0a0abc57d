/**
 * Compiles a description on a thread of its own, bounded in time and memory: the broker, which must hear of revocations
 * every moment, does not wait for eight megabytes of somebody else's YAML, nor die of them.
 */
import { Worker } from 'node:worker_threads'
import type { Compiled, Work } from './compile.ts'

/** In milliseconds. */
export const longestCompilation = 20_000

/** Never rejects for what was given to compile. */
export function compileApart(work: Work, timeLimit = longestCompilation): Promise<Compiled> {
  return new Promise((resolve) => {
    // As this file: a source in development, compiled in what ships.
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: work,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    })
    const end = (compiled: Compiled): void => {
      clearTimeout(timer)
      void worker.terminate()
      resolve(compiled)
    }
    const timer = setTimeout(
      () =>
        end({
          ok: false,
          detail: `it could not be compiled within ${String(timeLimit / 1000)} seconds`,
        }),
      timeLimit,
    )
    worker.once('message', (compiled: Compiled) => end(compiled))
    worker.once('error', () => end({ ok: false, detail: 'the description could not be compiled' }))
    worker.once('exit', () => end({ ok: false, detail: 'the description could not be compiled' }))
  })
}
