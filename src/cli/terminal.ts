/**
 * The terminal of the person who runs the CLI, and what is piped into it. Secrets are typed without an echo; where
 * stdin is a pipe, the question is put on the controlling terminal, so that `pass show x | valetkey credential add …`
 * can still ask for the password.
 */
import { openSync } from 'node:fs'
import { ReadStream, WriteStream } from 'node:tty'
import { visible } from './terminal-text.ts'

export type Terminal = {
  /** Prints one line on stdout, with whatever could deceive in it made visible. There is no other way to print. */
  out(line: string): void
  /** The same on stderr. */
  err(line: string): void
  /** All of stdin, or undefined where it is a terminal. Throws where it is longer than `most` bytes. */
  piped(most: number): Promise<string | undefined>
  /** What is typed without an echo, or undefined where there is no terminal to ask at. */
  hidden(label: string): Promise<string | undefined>
}

/** What `hidden` needs of a terminal's input: tty.ReadStream has it. */
export type HiddenInput = {
  setRawMode(on: boolean): unknown
  setEncoding(encoding: 'utf8'): unknown
  on(event: 'data' | 'end', listener: (chunk: string) => void): unknown
  off(event: 'data' | 'end', listener: (chunk: string) => void): unknown
  resume(): unknown
  pause(): unknown
}

/** Ctrl-C or the end of input while a secret was asked for. */
export class Interrupted extends Error {}

const enter = /[\r\n]/
const backspace = /[\u007f\b]/

/** Asks once. What was pasted beyond the end of the line answers the next question. */
export function createHiddenPrompt(
  input: HiddenInput,
  say: (text: string) => void,
): (label: string) => Promise<string> {
  let ahead = ''
  input.setEncoding('utf8')
  return (label) =>
    new Promise((resolve, reject) => {
      let typed: string[] = []
      // Before the prompt is seen: whoever answers at once, a script most of all, must not be echoed.
      input.setRawMode(true)
      say(`${visible(label)}: `)

      function done(act: () => void): void {
        input.off('data', take)
        input.off('end', ended)
        input.pause()
        input.setRawMode(false)
        say('\n')
        act()
      }
      function ended(): void {
        done(() => reject(new Interrupted()))
      }
      function take(chunk: string): void {
        const characters = Array.from(chunk)
        for (const [i, character] of characters.entries()) {
          if (enter.test(character)) {
            // A paste with CRLF is one end of line.
            const after = character === '\r' && characters[i + 1] === '\n' ? i + 2 : i + 1
            ahead = characters.slice(after).join('')
            done(() => resolve(typed.join('')))
            return
          }
          if (character === '\u0003' || (character === '\u0004' && typed.length === 0)) {
            ended()
            return
          }
          if (character === '\u0015') typed = []
          else if (backspace.test(character)) typed.pop()
          else if (character >= ' ') typed.push(character)
        }
      }

      input.on('data', take)
      input.on('end', ended)
      input.resume()
      if (ahead !== '') {
        const pasted = ahead
        ahead = ''
        take(pasted)
      }
    })
}

export function openTerminal(): Terminal {
  let prompt: ((label: string) => Promise<string>) | undefined

  function opened(): typeof prompt {
    if (process.stdin.isTTY)
      return createHiddenPrompt(process.stdin, (text) => process.stderr.write(text))
    try {
      const input = new ReadStream(openSync('/dev/tty', 'r'))
      const output = new WriteStream(openSync('/dev/tty', 'w'))
      const ask = createHiddenPrompt(input, (text) => output.write(text))
      return async (label) => {
        // A terminal that was opened by us keeps the process alive, paused or not.
        input.ref()
        try {
          return await ask(label)
        } finally {
          input.unref()
        }
      }
    } catch {
      return undefined
    }
  }

  return {
    out: (line) => void process.stdout.write(`${visible(line)}\n`),
    err: (line) => void process.stderr.write(`${visible(line)}\n`),
    async piped(most) {
      if (process.stdin.isTTY) return undefined
      const chunks: Buffer[] = []
      let size = 0
      for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
        size += chunk.length
        if (size > most) throw new RangeError(`stdin holds more than ${String(most)} bytes`)
        chunks.push(chunk)
      }
      return Buffer.concat(chunks).toString('utf8')
    },
    async hidden(label) {
      prompt ??= opened()
      return prompt?.(label)
    },
  }
}
