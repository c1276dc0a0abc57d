/**
 * Tells the story on a terminal, and keeps the score: a line is a check, and a check that did not come out as it should
 * is counted and says what was expected. Everything printed is kept, so that it too can be searched for the secret.
 */

const width = 98
const detailIndent = 6

export type Check = {
  /** Stands at the right end of the line. */
  readonly right?: string | undefined
  /** A sentence below the line. */
  readonly detail?: string | undefined
  /** What should have come, and what came; printed where it did not come out. */
  readonly expected?: string | undefined
  readonly came?: string | undefined
}

export type Teller = {
  title(text: string): void
  scene(number: number, text: string): void
  /** A paragraph, wrapped. */
  say(text: string): void
  /** A line as it is. */
  line(text: string): void
  check(ok: boolean, text: string, check?: Check): void
  readonly checks: () => number
  readonly failures: () => number
  /** Everything that was printed. */
  readonly printed: () => string
}

export type Screen = {
  readonly write: (text: string) => void
  readonly colour: boolean
}

/** Colour only where a person looks on, and did not say no (https://no-color.org). */
export function screenOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Screen {
  const refused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return { write: (text) => void stream.write(text), colour: stream.isTTY && !refused }
}

export function createTeller(screen: Screen): Teller {
  let checks = 0
  let failures = 0
  let printed = ''

  const paint = (code: string, text: string): string =>
    screen.colour ? `\u001b[${code}m${text}\u001b[0m` : text
  const dim = (text: string): string => paint('2', text)

  function put(text = ''): void {
    printed += `${text}\n`
    screen.write(`${text}\n`)
  }

  function paragraph(text: string, indent: number, style: (text: string) => string): void {
    for (const line of wrap(plain(text.replaceAll(/\s+/g, ' ')), width - indent))
      put(`${' '.repeat(indent)}${style(line)}`)
  }

  return {
    title(text) {
      put()
      put(paint('1', text))
      put('='.repeat(text.length))
    },
    scene(number, text) {
      put()
      put(paint('1', `${String(number)}  ${text}`))
    },
    say: (text) => paragraph(text, 3, dim),
    line: (text) => put(plain(text)),
    check(ok, text, { right, detail, expected, came } = {}) {
      checks++
      if (!ok) failures++
      const start = `   ${ok ? paint('32', '✔') : paint('31', '✘')} `
      const room = width - 5 - text.length - (right?.length ?? 0)
      if (right === undefined) put(`${start}${plain(text)}`)
      else if (room >= 2) put(`${start}${plain(text)}${' '.repeat(room)}${paint('36', right)}`)
      else {
        put(`${start}${plain(text)}`)
        put(`${' '.repeat(Math.max(detailIndent, width - right.length))}${paint('36', right)}`)
      }
      if (detail !== undefined) paragraph(detail, detailIndent, dim)
      if (ok) return
      const red = (line: string): string => paint('31', line)
      if (expected !== undefined) paragraph(`expected: ${expected}`, detailIndent, red)
      if (came !== undefined) paragraph(`but came: ${came}`, detailIndent, red)
    },
    checks: () => checks,
    failures: () => failures,
    printed: () => printed,
  }
}

/** Answers are printed too: nothing in them may move the cursor. */
function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}')
}

function wrap(text: string, room: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
