/**
 * The credential's value never reaches the agent, whatever the provider's answer does with it (I1). Every answer, its
 * header names and values and its body after all decoding, passes through here.
 *
 * Guaranteed: no twelve consecutive characters of the secret (all of a shorter secret) pass, in any letter case, be
 * they plain, hex, base64 (any alignment, either alphabet, wrapped or not, also twice), reversed or rot13; with every
 * character as itself or as percent, JSON, HTML or quoted-printable escape in any mixture; as UTF-16; across any chunk
 * boundary; and also where the answer breaks off in the middle. What is taken out leaves the same marker, whatever and
 * however much it was, so that the marker tells nothing.
 *
 * Not guaranteed: any other transformation, such as an array of its characters, other separators than single blanks,
 * percent escapes of percent escapes, hex with separators, encodings of a secret of fewer than six characters, encryption, compression inside the body (a zip file), a
 * hash. A provider that would compute those on request is an oracle that no filter closes; the control there is that
 * no allowed verb makes the provider echo the request's headers. A marker also shows that something was there.
 *
 * A scrubber holds the secret's shapes in memory. It belongs where the secret belongs, and is dropped with it.
 */
import { needlesOf } from './needle.ts'
import { contextLength, createRunFinder, type RunFinder, type Runs } from './runs.ts'
import { createSieve } from './sieve.ts'
import { createTrigrams } from './trigram.ts'

/** What stands in place of a secret. */
export const redacted = '[redacted]'
const marker = Buffer.from(redacted)

export type Scrubber = {
  /** Whether `text` (latin1, as header fields are) holds the secret: for names, and to ask about many fields at once. */
  finds(text: string): boolean
  /** A header's value without the secret. */
  header(value: string): string
  /** A whole body without the secret; the same buffer where there was nothing to take out. */
  body(bytes: Buffer): Buffer
  /** A new stream, for one answer. */
  stream(): ScrubStream
}

export type ScrubStream = {
  /**
   * What may pass on so far, in order; mostly the chunk itself. Held back is only the beginning of what may yet prove
   * to be the secret, never more than the secret's longest spelling.
   */
  push(chunk: Buffer): Buffer[]
  /** What was held back, after the last chunk. Not to be called when the answer broke off: that is dropped. */
  end(): Buffer[]
}

/** @throws RangeError where a secret is empty: it would be everywhere. */
export function createScrubber(secret: string | readonly string[]): Scrubber {
  const secrets = typeof secret === 'string' ? [secret] : secret
  if (secrets.some((one) => one === '')) throw new RangeError('an empty secret cannot be scrubbed')
  const needles = secrets.flatMap(needlesOf)
  const trigrams = createTrigrams(needles)
  const sieve = createSieve(needles, trigrams)
  let finder: RunFinder | undefined

  function find(data: Buffer, final: boolean): Runs {
    const stretches = sieve.suspects(data, final)
    if (stretches.length === 0) return { found: [], open: data.length }
    // Made when first needed: for most answers it never is.
    finder ??= createRunFinder(needles, trigrams)
    const found: number[] = []
    let open = data.length
    for (let i = 0; i < stretches.length; i += 2) {
      const runs = finder(data, stretches[i] ?? 0, stretches[i + 1] ?? data.length, final)
      found.push(...runs.found)
      open = Math.min(open, runs.open)
    }
    return { found, open }
  }

  function body(bytes: Buffer): Buffer {
    const { found } = find(bytes, true)
    if (found.length === 0) return bytes
    const stream = createStream(find)
    return Buffer.concat([...stream.push(bytes), ...stream.end()])
  }

  return {
    finds: (text) => find(Buffer.from(text, 'latin1'), true).found.length > 0,
    header(value) {
      const bytes = Buffer.from(value, 'latin1')
      const clean = body(bytes)
      return clean === bytes ? value : clean.toString('latin1')
    },
    body,
    stream: () => createStream(find),
  }
}

function createStream(find: (data: Buffer, final: boolean) => Runs): ScrubStream {
  // The data from a little before what is held back: a run may have begun in what was let go.
  let carry: Buffer = Buffer.alloc(0)
  // Both count from the beginning of `carry`.
  let sent = 0
  let coveredTo = -1

  function advance(data: Buffer, final: boolean): Buffer[] {
    const { found, open } = find(data, final)
    const holdFrom = final ? data.length : open
    const out: Buffer[] = []
    for (let i = 0; i < found.length; i += 2) {
      const start = found[i] ?? 0
      const end = found[i + 1] ?? data.length
      if (start >= holdFrom) break
      if (start > coveredTo) {
        if (start > sent) out.push(data.subarray(sent, start))
        out.push(marker)
      }
      coveredTo = Math.max(coveredTo, end)
      sent = Math.max(sent, end)
    }
    if (holdFrom > sent) {
      out.push(data.subarray(sent, holdFrom))
      sent = holdFrom
    }
    const keepFrom = Math.max(0, holdFrom - contextLength)
    carry = data.subarray(keepFrom)
    sent -= keepFrom
    coveredTo = Math.max(-1, coveredTo - keepFrom)
    return out
  }

  return {
    push(chunk) {
      if (chunk.length === 0) return []
      return advance(carry.length === 0 ? chunk : Buffer.concat([carry, chunk]), false)
    },
    end: () => advance(carry, true),
  }
}
