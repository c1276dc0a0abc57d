import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Condition } from '../../../src/core/condition.ts'
import { awsAdapter } from '../../../src/provider/aws/adapter.ts'
import {
  awsEntries,
  awsService,
  findEntry,
  type Service,
} from '../../../src/provider/aws/catalogue.ts'
import { compile, serialise } from '../../../src/provider/aws/compile.ts'
import { destinationOf, regions } from '../../../src/provider/aws/hosts.ts'
import { isScalar } from '../../../src/provider/aws/shape.ts'
import { modelOf, serviceNames, withoutModels } from './model.ts'

describe('the catalogue of AWS', () => {
  for (const service of serviceNames) {
    it(
      `has exactly the operations of ${service}’s model, and is what compiling it gives`,
      { skip: withoutModels },
      () => {
        const model = modelOf(service)
        assert.deepEqual(
          [...awsService(service).operations.keys()].toSorted(),
          Object.keys(model.operations).toSorted(),
        )
        const committed = new URL(
          `../../../src/provider/aws/catalogue/${service}.json`,
          import.meta.url,
        )
        assert.equal(readFileSync(committed, 'utf8'), serialise(compile(service, model)))
      },
    )
  }

  it('calls nothing read whose name does not begin as a question does, but for what was reviewed', () => {
    const questions = /^[a-z0-9]+\/(?:Describe|Get|Head|List|Query|Scan|Search|Simulate)/
    const reads = [...awsEntries()].filter(({ effects }) => effects.includes('read'))
    assert.deepEqual(
      reads.map(({ name }) => name).filter((name) => !questions.test(name)),
      [
        'dynamodb/BatchGetItem',
        'dynamodb/TransactGetItems',
        'ec2/ExportClientVpnClientConfiguration',
        'ec2/ExportVerifiedAccessInstanceClientConfiguration',
        'rds/DownloadDBLogFilePortion',
        's3/SelectObjectContent',
        'sts/DecodeAuthorizationMessage',
      ],
    )
  })

  it('gives every operation one base effect', () => {
    for (const { name, effects } of awsEntries()) {
      assert.equal(
        effects.filter((effect) => effect === 'read' || effect === 'write').length,
        1,
        name,
      )
    }
  })

  it('calls every answer with a credential secret, and every change of IAM admin', () => {
    for (const name of [
      'ec2/CreateKeyPair',
      'ec2/GetPasswordData',
      'ec2/GetConsoleOutput',
      'iam/CreateAccessKey',
      'sts/AssumeRole',
      'sts/GetSessionToken',
      'sts/GetFederationToken',
      'ec2/DescribeVpnConnections',
      'iam/ListVirtualMFADevices',
      'ec2/GetLaunchTemplateData',
      'ec2/DescribeLaunchTemplateVersions',
    ]) {
      assert.ok(findEntry(name)?.effects.includes('secret'), name)
    }
    for (const { name, effects } of awsEntries()) {
      if (!name.startsWith('iam/') || effects.includes('read')) continue
      assert.ok(effects.includes('admin'), name)
    }
  })

  it('calls what ends something destructive', () => {
    for (const { name, effects } of awsEntries()) {
      if (
        !/\/(?:Delete|Terminate|Deregister|Release|Revoke|Disable|Detach|Remove|Cancel)/.test(name)
      )
        continue
      assert.ok(effects.includes('destructive'), name)
    }
  })

  it('has no condition that looks for an argument which its operation does not have', () => {
    for (const name of serviceNames) {
      const service = awsService(name)
      for (const operation of service.operations.values())
        for (const condition of operation.conditions)
          assert.ok(
            leadsSomewhere(service, operation.input ?? '', condition),
            `${operation.name}: ${condition.path ?? ''}`,
          )
    }
  })

  it('finds operations by the name of their service and their own, and no other', () => {
    assert.equal(findEntry('ec2/TerminateInstances')?.name, 'ec2/TerminateInstances')
    for (const name of [
      'TerminateInstances',
      'ec2/terminateinstances',
      's3/TerminateInstances',
      'toString/x',
      'ec2/',
    ])
      assert.equal(findEntry(name), undefined, name)
    assert.match(awsAdapter().catalogueVersion, /^[0-9a-f]{64}$/)
  })
})

function leadsSomewhere(service: Service, input: string, { path = '' }: Condition): boolean {
  let type = input
  for (const key of path.split('.')) {
    const shape = isScalar(type) ? undefined : service.shapes.get(type)
    const next =
      shape?.kind === 'structure'
        ? shape.members.get(key)
        : key !== '*'
          ? undefined
          : shape?.kind === 'list'
            ? shape.member
            : shape?.value
    if (next === undefined) return false
    type = next.type
  }
  return true
}

describe('destinationOf', () => {
  it('makes a host of every service in every region, and of nothing else', () => {
    for (const region of regions) {
      for (const service of serviceNames) {
        const { origin = '' } = destinationOf(service, region) ?? {}
        assert.match(origin, /^https:\/\/[a-z0-9]+(?:\.[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?$/)
        assert.equal(new URL(origin).origin, origin)
      }
    }
    for (const [service, region] of [
      ['lambda', 'eu-west-1'],
      ['ec2', 'eu-west-9'],
      ['ec2', 'eusc-de-east-1'],
      ['ec2', 'us-iso-east-1'],
      ['ec2', 'global'],
      ['constructor', 'eu-west-1'],
      ['ec2', ''],
    ] as const)
      assert.equal(destinationOf(service, region), undefined)
  })
})
