/** Exactly these bytes to a broker on loopback, and what came back until it closed or was silent. */
import { connect } from 'node:net'

export type RawAnswer = {
  readonly status: number
  /** Names in lower case; the last of several. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly text: string
}

/** The text is sent as latin1. Give `connection: close`, or the end is found by Content-Length. */
export function rawRequest(url: string, text: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text, 'latin1'))
    let received = ''
    const done = (): void => {
      socket.destroy()
      resolve(readAnswer(received))
    }
    socket.setTimeout(5_000, done)
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      if (isWhole(received)) done()
    })
    socket.on('end', done)
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A server that refuses early may reset what is still being sent; what it answered counts.
      if (received !== '') done()
      else if (error.code === 'ECONNRESET' || error.code === 'EPIPE') done()
      else reject(error)
    })
  })
}

function isWhole(text: string): boolean {
  const { status, headers, body } = readAnswer(text)
  const length = headers['content-length']
  return status >= 200 && length !== undefined && body.length >= Number(length)
}

function readAnswer(text: string): RawAnswer {
  // What is informational, such as 100 Continue, is not the answer.
  const rest = text.replace(/^(HTTP\/1\.1 1[0-9]{2} [^\r]*\r\n(?:[^\r]+\r\n)*\r\n)+/, '')
  const end = rest.indexOf('\r\n\r\n')
  const [line = '', ...fields] = (end === -1 ? '' : rest.slice(0, end)).split('\r\n')
  const headers: Record<string, string> = {}
  for (const field of fields) {
    const colon = field.indexOf(':')
    headers[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim()
  }
  const status = Number(/^HTTP\/1\.1 ([0-9]{3})/.exec(line)?.[1] ?? 0)
  return { status, headers, body: end === -1 ? '' : rest.slice(end + 4), text }
}
