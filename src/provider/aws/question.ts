/**
 * The broker's own questions to AWS, and what counts as an answer. Anything but a whole answer of the expected form is a
 * failure, and a failure is denied.
 */
import type { Ask, RebuiltRequest } from '../adapter.ts'
import { Unestablished } from '../unestablished.ts'
import { awsService } from './catalogue.ts'
import { encode } from './form.ts'
import { destinationOf, type ServiceName } from './hosts.ts'
import { parseXml, childrenOf, type Element } from './xml.ts'

/** Questions that one request may cost. */
export const askBudget = 20

export class Asker {
  readonly #ask: Ask
  #left = askBudget

  constructor(ask: Ask) {
    this.#ask = ask
  }

  /** A form of the query protocols. `name` of a thing that is not there is answered with 400 or 404. */
  async form(
    service: ServiceName,
    region: string,
    action: string,
    fields: Readonly<Record<string, string>>,
    by?: 'acting',
  ): Promise<Element> {
    const all = { Action: action, Version: awsService(service).version, ...fields }
    const text = Object.entries(all)
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .join('&')
    const { status, text: answer = '' } = await this.#send(
      service,
      region,
      {
        method: 'POST',
        target: '/',
        headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
        body: Buffer.from(text),
      },
      by,
    )
    if (status === 400 || status === 404) throw new Unestablished('not_found')
    const root = status === 200 ? parseXml(answer) : undefined
    if (root === undefined || root.name !== `${action}Response`)
      throw new Unestablished('lookup_failed')
    return root
  }

  /** The status of a HEAD of a bucket that must be this account's own. */
  async bucket(region: string, bucket: string, owner: string): Promise<number> {
    const { status } = await this.#send('s3', region, {
      method: 'HEAD',
      target: `/${bucket}`,
      headers: { 'x-amz-expected-bucket-owner': owner },
      body: undefined,
    })
    return status
  }

  async #send(
    service: ServiceName,
    region: string,
    request: RebuiltRequest,
    by?: 'acting',
  ): Promise<Awaited<ReturnType<Ask>>> {
    if (this.#left-- <= 0) throw new Unestablished('too_many')
    const signing = destinationOf(service, region)
    if (signing === undefined) throw new Unestablished('no_resolver')
    try {
      return await this.#ask({ ...request, signing }, by)
    } catch {
      throw new Unestablished('lookup_failed')
    }
  }
}

/** All elements at a path of names below the root. */
export function at(root: Element, path: string): readonly Element[] {
  let found: readonly Element[] = [root]
  for (const name of path.split('/')) found = found.flatMap((one) => childrenOf(one, name))
  return found
}

/** The text of the one element at the path. */
export function textAt(root: Element, path: string): string | undefined {
  const [only, ...others] = at(root, path)
  return others.length === 0 && only?.children.length === 0 ? only.text : undefined
}
