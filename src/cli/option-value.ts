/** Times as people type them. */
import { usage } from './failure.ts'

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** Seconds, from `90`, `90s`, `5m`, `12h`, `30d`. */
export function readSeconds(flag: string, given: string): number {
  const match = /^([0-9]{1,9})([smhd]?)$/.exec(given)
  const unit = seconds[match?.[2] === '' ? 's' : (match?.[2] ?? '')]
  if (match === null || unit === undefined)
    throw usage(`${flag} must be seconds, or look like 90s, 5m, 12h or 30d.`)
  return Number(match[1]) * unit
}

/** A moment, from a length of time (from now on, or back from now) or from RFC 3339. */
export function readMoment(flag: string, given: string, now: number, direction: 1 | -1): string {
  if (/^[0-9]{1,9}[smhd]$/.test(given))
    return new Date(now + direction * readSeconds(flag, given) * 1000).toISOString()
  const date = /^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2}))?$/i.test(given)
    ? new Date(given)
    : undefined
  if (date === undefined || Number.isNaN(date.getTime())) {
    throw usage(
      `${flag} must be a length of time such as 30d, a day such as 2030-01-31, or a time such as 2030-01-31T12:00:00Z.`,
    )
  }
  return date.toISOString()
}

/** A whole number. */
export function readWhole(flag: string, given: string): number {
  if (!/^[0-9]{1,9}$/.test(given)) throw usage(`${flag} must be a whole number.`)
  return Number(given)
}

/** One of a few words. */
export function readChoice<C extends string>(
  flag: string,
  given: string | undefined,
  choices: readonly C[],
): C | undefined {
  if (given === undefined) return undefined
  const found = choices.find((choice) => choice === given)
  if (found === undefined) throw usage(`${flag} must be one of ${choices.join(', ')}.`)
  return found
}
