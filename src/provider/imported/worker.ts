/** The thread in which `compileApart` compiles one description. */
import { parentPort, workerData } from 'node:worker_threads'
import { compileImported, type Work } from './compile.ts'

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window's
parentPort?.postMessage(compileImported(workerData as Work))
