/** The broker's own log: one line of JSON for each event, and nothing in it that grants anything. */
import type { Detector } from './detector.ts'
import type { World } from './world.ts'

/** `from`: the first event that is looked at. */
export function logProblems(world: World, detector: Detector, from = 0): readonly string[] {
  const problems: string[] = []
  for (const written of world.brokers.log.slice(from)) {
    const lines = written.split('\n').filter((line) => line !== '')
    for (const line of lines) {
      try {
        JSON.parse(line)
      } catch {
        problems.push(`a log line is not JSON: ${line.slice(0, 100)}`)
      }
    }
    if (lines.length > 1) problems.push(`one event took ${String(lines.length)} lines of the log`)
    if (detector.findPlain(written)) problems.push('a log line holds a credential')
    if (world.issued.some((token) => written.includes(token.slice(-40))))
      problems.push('a log line holds a capability')
  }
  return problems
}
