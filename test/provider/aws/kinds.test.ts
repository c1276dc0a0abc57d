import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Ask } from '../../../src/provider/adapter.ts'
import { awsService } from '../../../src/provider/aws/catalogue.ts'
import { without } from '../../../src/provider/aws/ec2-kinds.ts'
import type { CompiledKind } from '../../../src/provider/aws/catalogue.ts'
import { kindOf, questionAbout } from '../../../src/provider/aws/kinds.ts'
import { awsLocate } from '../../../src/provider/aws/locate.ts'
import { modelOf, withoutModels } from './model.ts'
import { form, identified } from './request.ts'

const account = '111111111111'
const other = '222222222222'
const identity = `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>${account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
const { kinds } = awsService('ec2')
const digits = '0123456789abcdef0'

/** One item of an answer, as the service would write it. */
function answerTo({ action, items, id, owners = [] }: CompiledKind, own: string, owner: string) {
  const leaf = (path: string, text: string): string =>
    path.split('/').reduceRight((inner, name) => `<${name}>${inner}</${name}>`, text)
  const ownerText = (path: string) =>
    path.endsWith('Arn') ? `arn:aws:ec2:eu-west-1:${owner}:thing/x` : owner
  // Two paths below one element would be two elements of the same name, so nested ones are merged.
  const tree = new Map<string, string[]>()
  for (const [path, text] of [
    [id, own] as const,
    ...owners.map((path) => [path, ownerText(path)] as const),
  ]) {
    const [head = '', ...rest] = path.split('/')
    tree.set(head, [
      ...(tree.get(head) ?? []),
      rest.length === 0 ? text : leaf(rest.join('/'), text),
    ])
  }
  const item = [...tree].map(([name, inner]) => `<${name}>${inner.join('')}</${name}>`).join('')
  return `<${action}Response>${leaf(items, item)}</${action}Response>`
}

/** Where an id of this kind is, when EC2 answers so. */
async function placesOf(kind: CompiledKind, owner: string) {
  const id = `${kind.prefix ?? 'unheard-of'}-${digits}`
  const asked: Record<string, string>[] = []
  const ask: Ask = ({ body }) => {
    const fields = Object.fromEntries(new URLSearchParams(body?.toString()))
    asked.push(fields)
    const text = fields['Action'] === kind.action ? answerTo(kind, id, owner) : identity
    return Promise.resolve({ status: 200, json: undefined, text })
  }
  const located = await awsLocate(() => 0)(
    {
      operation: 'ec2/DeleteThing',
      effects: ['write'],
      added: [],
      scope: 'environment',
      arguments: {},
      resources: [
        { kind: 'id', id, role: 'target', path: `${kind.member ?? 'ResourceId'}s.0` },
        { kind: 'scope', id: 'ec2/eu-west-1', role: 'environment', path: '' },
      ],
      widens: [],
    },
    { ask, fresh: true, cacheKey: 'c', bound: new Set([`account:${account}`]) },
  )
  return { located, asked, id }
}

describe('the kinds of EC2’s ids', () => {
  it(
    'are all that some Describe lists by their id, but for those with a reason',
    { skip: withoutModels },
    () => {
      const { operations, shapes } = modelOf('ec2')
      const listed = Object.entries(operations)
        .filter(([name, { input, output }]) => {
          const given = Object.keys(shapes[input?.shape ?? '']?.members ?? {})
          const lists = Object.values(shapes[output?.shape ?? '']?.members ?? {})
          const items = lists.map(({ shape }) => shapes[shapes[shape]?.member?.shape ?? ''])
          return (
            name.startsWith('Describe') &&
            given.some((member) => {
              const own = /Id(?:s|Set)?$/.test(member)
                ? member.replace(/(?:s|Set)$/, '')
                : undefined
              return own !== undefined && items.some((item) => item?.members?.[own] !== undefined)
            })
          )
        })
        .map(([name]) => name)
      const known = new Set(kinds.map(({ action }) => action))
      assert.deepEqual(
        listed.filter((name) => !known.has(name) && without[name] === undefined),
        [],
      )
      assert.deepEqual(
        Object.keys(without).filter((name) => known.has(name) || operations[name] === undefined),
        [],
      )
    },
  )

  it('name every owner that the answer has', { skip: withoutModels }, () => {
    const { operations, shapes } = modelOf('ec2')
    /** Of what it was made from or is attached to, or in words. */
    const beside = new Set([
      'DescribeAddresses networkInterfaceOwnerId',
      'DescribeCapacityReservations unusedReservationBillingOwnerId',
      'DescribeImages imageOwnerAlias',
      'DescribeFpgaImages ownerAlias',
      'DescribeSnapshots ownerAlias',
    ])
    for (const { action, items, owners = [] } of kinds) {
      const output = shapes[operations[action]?.output?.shape ?? '']
      const list = Object.values(output?.members ?? {}).find(
        ({ locationName }) => locationName === items.split('/')[0],
      )
      const item = shapes[shapes[list?.shape ?? '']?.member?.shape ?? '']
      const named = Object.entries(item?.members ?? {})
        .filter(([own]) => /owner/i.test(own))
        .map(([own, { locationName = own }]) => locationName)
      assert.deepEqual(
        named.filter((name) => !owners.includes(name) && !beside.has(`${action} ${name}`)),
        [],
        action,
      )
    }
  })

  it('are each resolved by the question and the answer that the model has', async () => {
    for (const kind of kinds) {
      const { located, asked, id } = await placesOf(kind, account)
      const label = kind.prefix ?? kind.action
      assert.deepEqual(located, { places: [`account:${account}`], unresolved: [] }, label)
      const question = Object.values(asked.at(-1) ?? {})
      assert.ok(question.includes(kind.action) && question.includes(id), label)
      const foreign = await placesOf(kind, other)
      const shared = kind.owners !== undefined
      assert.equal(foreign.located.places.includes(`account:${other}`), shared, label)
    }
  })

  it('are told by the id’s own form first, and by the argument’s name where that says nothing', () => {
    assert.equal(kindOf(`vpc-${digits}`, 'SubnetIds.0')?.action, 'DescribeVpcs')
    assert.equal(kindOf(`vpce-svc-${digits}`, 'x')?.prefix, 'vpce-svc')
    assert.equal(
      kindOf(`what-${digits}`, 'A.SecondarySubnetIds.3')?.action,
      'DescribeSecondarySubnets',
    )
    // Groups are of two kinds.
    for (const path of ['GroupIds.0', 'ResourceIds.0', 'toString', '__proto__', ''])
      assert.equal(kindOf(`what-${digits}`, path), undefined, path)
    assert.equal(kindOf(`constructor-${digits}`, 'constructor'), undefined)
  })

  it('are asked for by a parameter, or by a filter', () => {
    const ask = (prefix: string) => {
      const kind = kindOf(`${prefix}-${digits}`, '')
      assert.ok(kind !== undefined)
      return questionAbout(kind, 'x')
    }
    assert.deepEqual(ask('vol'), { 'VolumeId.1': 'x' })
    assert.deepEqual(ask('tgw'), { 'TransitGatewayIds.1': 'x' })
    assert.deepEqual(ask('vpce-nfn'), { ConnectionNotificationId: 'x' })
    assert.deepEqual(ask('rtbassoc'), {
      'Filter.1.Name': 'association.route-table-association-id',
      'Filter.1.Value.1': 'x',
    })
  })
})

describe('an id of a kind that nothing can be asked about', () => {
  it('is refused with a sentence that says so', () => {
    const { invocation } = identified(
      form(
        'ec2',
        'DeleteTransitGatewayConnectPeer',
        `TransitGatewayConnectPeerId=tgw-connect-peer-${digits}`,
      ),
    )
    const [sentence = '', ...others] = invocation.widens
    assert.deepEqual(others, [])
    assert.match(sentence, /^EC2 has no question .* tgw-connect-peer-… .* cannot be resolved$/)
    const known = form('ec2', 'DeleteVpcPeeringConnection', `VpcPeeringConnectionId=pcx-${digits}`)
    assert.deepEqual(identified(known).invocation.widens, [])
  })
})
