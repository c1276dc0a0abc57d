/**
 * What the cases need of a person: the page on which one decides, as it reaches their browser, and their yes. The yes
 * is written as a proven decision writes it: how it is proven with a passkey is not a matter of these cases.
 */
import { decide } from '../../src/approval/step.ts'
import type { ApprovalId, OperatorId } from '../../src/ids.ts'
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
  const { publicUrl, db, now } = { ...first.broker.deps }
  const signedIn = await fetch(`${first.url}/v1/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: publicUrl },
    body: JSON.stringify({ name: admin.name, password: admin.password, cookie: true }),
  })
  const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  await signedIn.body?.cancel()
  if (cookie === '') throw new Error(`the sign-in answered ${String(signedIn.status)}`)
  const me = (await api('GET', '/v1/me')).body as { id: string }
  return {
    async page(id) {
      // Over a bare socket: a page is served at PUBLIC_URL's own host alone.
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
      const input = {
        id: id as ApprovalId,
        decision: 'approve',
        approverId: me.id as OperatorId,
        evidence: { kind: 'conformance' },
        now: now(),
      } as const
      const done = await db
        .transaction()
        .execute((tx) => decide(tx, input, () => Promise.resolve()))
      if (done === undefined) throw new Error(`${id} could not be approved`)
    },
    async cancel(id) {
      const { status } = await api('POST', `/v1/approvals/${id}/cancel`, {})
      if (status !== 200) throw new Error(`${id} could not be cancelled: ${String(status)}`)
    },
    async read(id) {
      const { status, body } = await api('GET', `/v1/approvals/${id}`)
      if (status !== 200) throw new Error(`${id} could not be read: ${String(status)}`)
      return body as Readonly<Record<string, unknown>>
    },
  }
}
