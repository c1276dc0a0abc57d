/**
 * A refusal as AWS itself would send it. To the SDKs anything else is an answer that they cannot parse, and whoever reads
 * "XML parse error" looks for the fault elsewhere. The code is the problem's behind a prefix of ours, never one of AWS's
 * (`AccessDenied`, `ExpiredToken`): on some of those an SDK corrects its clock, fetches other credentials and tries again.
 * Only what a wait can mend has a code that is retried.
 */
import type { ErrorAnswer } from '../adapter.ts'
import type { ServiceName } from './hosts.ts'
import { readScope } from './scope.ts'
import { visibleXml } from './xml.ts'

type ProblemJson = Readonly<Record<string, unknown>>

/** Which form follows from the service in the signature's scope; undefined where it names none that is known. */
export function awsRefusal(
  problem: ProblemJson,
  headers: Readonly<Record<string, string>>,
): ErrorAnswer | undefined {
  const scope = readScope(headers['authorization'])
  return scope.ok ? forms[scope.destination.service](problem) : undefined
}

const forms: Readonly<Record<ServiceName, (problem: ProblemJson) => ErrorAnswer>> = {
  dynamodb: asJson,
  ec2: asEc2,
  iam: asQuery,
  rds: asQuery,
  s3: asS3,
  sts: asQuery,
}

/** AWS JSON 1.0. */
function asJson(problem: ProblemJson): ErrorAnswer {
  const { detail: message } = problem
  return {
    contentType: 'application/x-amz-json-1.0',
    body: JSON.stringify({ __type: awsCode(problem), message, problem }),
  }
}

/** AWS query, as EC2 has it. */
function asEc2(problem: ProblemJson): ErrorAnswer {
  return xml(
    'text/xml;charset=UTF-8',
    `<Response><Errors><Error>${members(problem)}</Error></Errors>${element('RequestID', problem['correlation_id'])}</Response>`,
  )
}

/** AWS query. */
function asQuery(problem: ProblemJson): ErrorAnswer {
  const fault = Number(problem['status']) < 500 ? 'Sender' : 'Receiver'
  return xml(
    'text/xml;charset=UTF-8',
    `<ErrorResponse><Error>${element('Type', fault)}${members(problem)}</Error>${element('RequestId', problem['correlation_id'])}</ErrorResponse>`,
  )
}

/** REST XML, as S3 has it. */
function asS3(problem: ProblemJson): ErrorAnswer {
  return xml(
    'application/xml',
    `<Error>${members(problem)}${element('RequestId', problem['correlation_id'])}</Error>`,
  )
}

function awsCode({ code }: ProblemJson): string {
  if (code === 'rate_limited') return 'Throttling'
  if (code === 'unavailable') return 'ServiceUnavailable'
  return `Valetkey.${String(code)}`
}

/** `Problem` is the whole of it, as JSON; an SDK hands it on, or passes over it, as over any element that it does not know. */
function members(problem: ProblemJson): string {
  return [
    element('Code', awsCode(problem)),
    element('Message', problem['detail']),
    element('Problem', JSON.stringify(problem)),
  ].join('')
}

function element(name: string, text: unknown): string {
  return `<${name}>${visibleXml(String(text))}</${name}>`
}

function xml(contentType: string, root: string): ErrorAnswer {
  return { contentType, body: `<?xml version="1.0" encoding="UTF-8"?>\n${root}` }
}
