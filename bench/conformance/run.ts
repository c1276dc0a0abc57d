/** Drives the case files against brokers started for the purpose, and says what came of each. */
import { fileNames, loadCases, loadExpansion, type Case, type FileName } from './cases.ts'
import { createDetector, type Detector } from './detector.ts'
import { runGraphql } from './graphql.ts'
import { runJwt } from './jwt.ts'
import { runLeak } from './leak.ts'
import { logProblems } from './log.ts'
import { policyOf } from './policy.ts'
import { runRaw } from './raw-http.ts'
import { runRest } from './rest.ts'
import type { Outcome, Result } from './result.ts'
import { runText } from './text.ts'
import { openIntents } from './watch.ts'
import { openWorld, type World } from './world.ts'

export type RunOptions = {
  /** Where the case files and `expand.mjs` are. */
  readonly cases: string
  /** Milliseconds of silence after which a raw exchange counts as over. */
  readonly idle: number
  readonly only?: readonly string[]
  /** How many requests of a flood are sent at the most; all where absent. */
  readonly mostInFlood?: number
  readonly onResult?: (result: Result) => void
}

export type Run = {
  readonly results: readonly Result[]
  /** What concerns no single case: an intent without outcome, a log line that is not one, a choice made two ways. */
  readonly problems: readonly string[]
  /** Choices of the broker's that docs/conformance.md does not name. */
  readonly unstated: readonly string[]
}

export async function runConformance(options: RunOptions): Promise<Run> {
  const expansion = await loadExpansion(options.cases)
  const world = await openWorld(expansion)
  try {
    const detector = createDetector([
      expansion.defaults['PROVIDER_TOKEN_RAILWAY'] ?? '',
      expansion.defaults['PROVIDER_TOKEN_GITHUB'] ?? '',
    ])
    const results: Result[] = []
    const problems: string[] = []
    for (const file of fileNames) {
      const cases = loadCases(options.cases, file)
      if (cases === undefined) {
        problems.push(`${file}.json is not there`)
        continue
      }
      for (const each of cases) {
        if (options.only !== undefined && !options.only.includes(each.id)) continue
        const result = await runCase(world, detector, file, each, options)
        results.push(result)
        options.onResult?.(result)
      }
    }
    await world.settled()
    const policy = policyOf(results)
    problems.push(
      ...policy.problems,
      ...(await openIntents(world)),
      ...logProblems(world, detector),
    )
    return { results, problems, unstated: policy.unstated }
  } finally {
    await world.close()
  }
}

async function runCase(
  world: World,
  detector: Detector,
  file: FileName,
  each: Case,
  options: RunOptions,
): Promise<Result> {
  const common = { id: each.id, file, expected: each.expect }
  try {
    const outcome = await drive(world, detector, file, each, options)
    const { skipped, ...rest } = outcome as Outcome & { skipped?: true }
    const status = skipped === true ? 'skipped' : rest.notes.length === 0 ? 'passed' : 'failed'
    return { ...common, status, ...rest }
  } catch (error) {
    const note = `the driver failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
    return { ...common, status: 'failed', observed: null, upstream: [], notes: [note] }
  }
}

function drive(
  world: World,
  detector: Detector,
  file: FileName,
  each: Case,
  options: RunOptions,
): Promise<Outcome> {
  switch (file) {
    case 'graphql':
      return runGraphql(world, detector, each)
    case 'rest':
      return runRest(world, detector, each)
    case 'raw_http':
      return runRaw(world, detector, each, options.idle)
    case 'jwt_attacks':
      return runJwt(world, detector, each, options.mostInFlood ?? Number.POSITIVE_INFINITY)
    case 'leak_probes':
      return runLeak(world, detector, each)
    case 'text_injection':
      return runText(world, detector, each)
  }
}
