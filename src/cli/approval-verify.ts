/**
 * `approval verify`: evidence checked on the machine of whoever doubts it, without a broker, a network or a sign-in. Its
 * exit code is 0 for evidence that proves a person's decision, and for nothing else.
 */
import { readEvidence, type Evidence } from '../approval/evidence.ts'
import { verifyEvidence, type EvidenceReport } from '../approval/verify-evidence.ts'
import { child, record, records, shown, text } from './answer.ts'
import { command, type Command } from './command.ts'
import { Failure, usage } from './failure.ts'
import { readText } from './provider-file.ts'
import type { Session } from './session.ts'

const marks = { holds: 'ok  ', fails: 'FAIL', not_reached: '-   ' } as const

export const approvalVerify: Command = command({
  name: 'approval verify',
  summary: 'Check the exported evidence of a decision, offline',
  takes: ['file'],
  options: {
    origin: {
      type: 'string',
      value: '<origin>',
      help: 'Your broker’s PUBLIC_URL, as you know it; else the file’s own word',
    },
    fingerprint: {
      type: 'string',
      value: '<sha256>',
      help: 'The passkey’s, from the audit log; else the file’s own key',
    },
  },
  json: true,
  examples: [
    'valetkey approval verify decision.json --origin https://broker.acme.example',
    'valetkey approval verify decision.json --json',
  ],
  notes: [
    'The exit code is 0 only where a passkey’s signature proves the decision. Evidence of a one-time code never does.',
  ],
  async run(call) {
    const expected = {
      origin: originGiven(call.options.origin),
      fingerprint: fingerprintGiven(call.options.fingerprint),
    }
    const read = readEvidence(Buffer.from(await readText('<file>', call.args.file)))
    if (!read.ok) throw usage(`This is no evidence of a decision: ${read.detail}.`)
    const reports: EvidenceReport[] = []
    for (const evidence of read.evidence) {
      const report = await verifyEvidence(evidence, expected)
      reports.push(report)
      if (!call.json) say(call, evidence, report)
    }
    if (call.json) {
      const items = read.evidence.map((evidence, i) => ({ ...reports[i], of: summary(evidence) }))
      call.sayJson({ items }, 2)
    }
    const verdicts = reports.map(({ verdict }) => verdict)
    if (verdicts.includes('refuted'))
      throw new Failure(1, 'REFUTED: this does not prove that anybody decided anything.')
    if (verdicts.includes('unverifiable'))
      throw new Failure(1, 'UNVERIFIABLE: a one-time code leaves nothing that can be checked.')
    if (call.json || reports.length === 1) return
    const people = new Set(read.evidence.map(({ approver }) => approver.id))
    call.say(
      `${String(reports.length)} decisions about one document, by ${String(people.size)} approvers.`,
    )
  },
})

function originGiven(given: string | undefined): string | undefined {
  if (given === undefined) return undefined
  if (URL.parse(given)?.origin !== given)
    throw usage('--origin must be an origin, such as https://broker.acme.example')
  return given
}

function fingerprintGiven(given: string | undefined): string | undefined {
  if (given !== undefined && !/^[0-9a-fA-F]{64}$/.test(given))
    throw usage('--fingerprint must be a SHA-256 in hex: 64 digits')
  return given
}

/** What it is about, without the bytes. */
function summary(evidence: Evidence) {
  const { kind, decision, approver, decidedAt, publicUrl, document } = evidence
  return { kind, decision, approver, decidedAt, publicUrl, document }
}

function say(call: Session, evidence: Evidence, report: EvidenceReport): void {
  // The file's form was checked as far as the signature goes; the rest of the document may be anything.
  const document = record(evidence.document)
  const agent = child(document, 'agent')
  const environment = child(document, 'environment')
  const { decision, approver } = evidence
  call.say(`The file says: ${decision}, by ${approver.name} (${approver.id})`)
  call.say(`  decided:      ${when(evidence.decidedAt)}`)
  call.say(`  approval:     ${shown(document, 'id')}`)
  call.say(`  request:      ${shown(document, 'requestDigest')}`)
  call.say(`  agent:        ${shown(agent, 'name')} (${shown(agent, 'id')})`)
  const guarded = text(environment, 'protected') === 'true' ? ', protected' : ''
  call.say(`  environment:  ${shown(environment, 'name')} (${shown(environment, 'id')})${guarded}`)
  for (const operation of records(document, 'operations')) {
    call.say(`  operation:    ${shown(document, 'provider')}:${shown(operation, 'name')}`)
    for (const object of records(operation, 'objects'))
      call.say(`    on          ${shown(object, 'name')} (${shown(object, 'id')})`)
  }
  for (const fact of records(document, 'facts'))
    call.say(`  ${shown(fact, 'label')}: ${shown(fact, 'value')}`)
  if (report.fingerprint !== undefined) call.say(`  passkey:      ${report.fingerprint}`)
  call.say('')
  for (const { what, result, detail } of report.checks)
    call.say(`${marks[result]}  ${what}${detail === undefined ? '' : ` (${detail})`}`)
  if (report.proven.length > 0) {
    call.say('')
    call.say('Proven:')
    for (const sentence of report.proven) call.say(`  ${sentence}`)
  }
  call.say('')
  call.say('Not proven:')
  for (const sentence of report.notProven) call.say(`  ${sentence}`)
  call.say('')
  call.say(report.verdict === 'verified' ? 'VERIFIED' : report.verdict.toUpperCase())
}

/** Any number of milliseconds; not every one is a time. */
function when(milliseconds: number): string {
  const date = new Date(milliseconds)
  return Number.isNaN(date.getTime()) ? String(milliseconds) : date.toISOString()
}
