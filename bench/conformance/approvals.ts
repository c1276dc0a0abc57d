/**
 * What the cases need of a person: the page on which one decides, as it reaches their browser, and their yes, with a
 * passkey.
 */
import { approverIn } from '../../test/support/approver.ts'
import { signInBrowser } from '../../test/support/browser.ts'
import { headerOf, send } from './wire.ts'
import type { World } from './world.ts'

export type Person = {
  /** The HTML of an approval's page. */
  page(approvalId: string): Promise<string>
  approve(approvalId: string): Promise<void>
  cancel(approvalId: string): Promise<void>
  /** Its row, as an operator reads it over REST. */
  read(approvalId: string): Promise<Readonly<Record<string, unknown>>>
}

const opened = new WeakMap<World, Promise<Person>>()

/** Signed in once for each world. */
export function openPerson(world: World): Promise<Person> {
  let person = opened.get(world)
  if (person === undefined) opened.set(world, (person = open(world)))
  return person
}

async function open(world: World): Promise<Person> {
  const { api, admin, first } = world.brokers
  const { publicUrl } = first.broker.deps
  // The first operator has every role, and owns the world's environments.
  const approver = await approverIn(await signInBrowser(first.url, admin.name, admin.password))
  return {
    async page(id) {
      // Over a bare socket: a page is served at PUBLIC_URL's own host alone.
      const { cookie } = approver.browser
      const head = `GET /approvals/${id} HTTP/1.1\r\nHost: ${new URL(publicUrl).host}\r\nCookie: ${cookie}\r\n\r\n`
      const { answers } = await send(first.port, [Buffer.from(head)], { answers: 1, idle: 5_000 })
      const [answer] = answers
      if (
        answer?.status !== 200 ||
        headerOf(answer, 'content-type')?.startsWith('text/html') !== true
      )
        throw new Error(`the page answered ${String(answer?.status)}`)
      return answer.body.toString('utf8')
    },
    async approve(id) {
      await approver.approve(id)
    },
    async cancel(id) {
      await approver.cancel(id)
    },
    async read(id) {
      const { status, body } = await api('GET', `/v1/approvals/${id}`)
      if (status !== 200) throw new Error(`${id} could not be read: ${String(status)}`)
      return body as Readonly<Record<string, unknown>>
    },
  }
}
