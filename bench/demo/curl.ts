/**
 * Sends what an agent sends, with the command that the agent of the incident used. Where `curl` is not installed, the
 * same method, headers and body go out by Node.
 */
import { execFile } from 'node:child_process'
import { request } from 'node:http'
import { promisify } from 'node:util'
import type { Received } from './admin.ts'

const run = promisify(execFile)

export type Sent = {
  readonly method: 'GET' | 'POST'
  /** Path and query. */
  readonly target: string
  readonly token: string
  readonly body?: string | undefined
  /** Absent: what `curl -d` calls a body by itself, a form. */
  readonly contentType?: string | undefined
}

export type Answer = {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
}

export type Send = (sent: Sent) => Promise<Answer>

export async function hasCurl(): Promise<boolean> {
  return run('curl', ['--version']).then(
    () => true,
    () => false,
  )
}

/** Waits this long for an answer, in seconds. */
const patience = 15

/** The arguments as a person types them. */
export function curlArguments(origin: string, sent: Sent): readonly string[] {
  return [
    '-X',
    sent.method,
    `${origin}${sent.target}`,
    '-H',
    `Authorization: Bearer ${sent.token}`,
    ...(sent.contentType === undefined ? [] : ['-H', `Content-Type: ${sent.contentType}`]),
    ...(sent.body === undefined ? [] : ['-d', sent.body]),
  ]
}

export function sender(origin: string, curl: boolean, received: Received): Send {
  return async (sent) => {
    const text = curl ? await byCurl(origin, sent) : await byNode(origin, sent)
    received.push(text)
    return readAnswer(text)
  }
}

async function byCurl(origin: string, sent: Sent): Promise<string> {
  // Besides what was typed: no ~/.curlrc, no proxy, no progress meter, and the head of the answer before its body.
  const own = ['-q', '-sS', '-i', '--noproxy', '*', '--max-time', String(patience)]
  const { stdout } = await run('curl', [...own, ...curlArguments(origin, sent)])
  return stdout
}

function byNode(origin: string, sent: Sent): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = { authorization: `Bearer ${sent.token}`, accept: '*/*' }
    if (sent.contentType !== undefined) headers['content-type'] = sent.contentType
    else if (sent.body !== undefined) headers['content-type'] = 'application/x-www-form-urlencoded'
    if (sent.body !== undefined) headers['content-length'] = String(Buffer.byteLength(sent.body))
    const { hostname, port } = new URL(origin)
    const outgoing = request(
      { hostname, port, path: sent.target, method: sent.method, headers, timeout: patience * 1000 },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const { rawHeaders } = response
          const head = [`HTTP/1.1 ${String(response.statusCode)}`]
          for (let i = 0; i < rawHeaders.length; i += 2)
            head.push(`${rawHeaders[i] ?? ''}: ${rawHeaders[i + 1] ?? ''}`)
          resolve(`${head.join('\r\n')}\r\n\r\n${Buffer.concat(chunks).toString()}`)
        })
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
    outgoing.on('error', reject)
    outgoing.end(sent.body)
  })
}

function readAnswer(whole: string): Answer {
  const end = whole.indexOf('\r\n\r\n')
  const [first = '', ...lines] = whole.slice(0, end).split('\r\n')
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const text = whole.slice(end + 4)
  let json: Record<string, unknown> = {}
  try {
    json = JSON.parse(text) as Record<string, unknown>
  } catch {
    // Not JSON: the check that reads it fails, and prints the text.
  }
  return { status: Number(first.split(' ')[1]), headers, text, json }
}
