/**
 * How an id of EC2 is resolved: the question that lists it, and where in the answer its owner stands. A kind without an
 * owner cannot be shared with another account, so that being listed proves it.
 */

export type Kind = {
  readonly action: string
  readonly parameter: string
  /** The members of the answer, from its root. */
  readonly items: string
  /** Below one member. */
  readonly id: string
  readonly owner?: string
}

const kind = (
  action: string,
  parameter: string,
  items: string,
  id: string,
  owner?: string,
): Kind => ({
  action,
  parameter: `${parameter}.1`,
  items: `${items}/item`,
  id,
  ...(owner === undefined ? {} : { owner }),
})

/** By the prefix of the id. */
export const kinds: ReadonlyMap<string, Kind> = new Map([
  ['acl', kind('DescribeNetworkAcls', 'NetworkAclId', 'networkAclSet', 'networkAclId', 'ownerId')],
  ['ami', kind('DescribeImages', 'ImageId', 'imagesSet', 'imageId', 'imageOwnerId')],
  [
    'dopt',
    kind('DescribeDhcpOptions', 'DhcpOptionsId', 'dhcpOptionsSet', 'dhcpOptionsId', 'ownerId'),
  ],
  ['eipalloc', kind('DescribeAddresses', 'AllocationId', 'addressesSet', 'allocationId')],
  [
    'eni',
    kind(
      'DescribeNetworkInterfaces',
      'NetworkInterfaceId',
      'networkInterfaceSet',
      'networkInterfaceId',
      'ownerId',
    ),
  ],
  ['fl', kind('DescribeFlowLogs', 'FlowLogId', 'flowLogSet', 'flowLogId')],
  [
    'i',
    kind(
      'DescribeInstances',
      'InstanceId',
      'reservationSet',
      'instancesSet/item/instanceId',
      'ownerId',
    ),
  ],
  [
    'igw',
    kind(
      'DescribeInternetGateways',
      'InternetGatewayId',
      'internetGatewaySet',
      'internetGatewayId',
      'ownerId',
    ),
  ],
  ['key', kind('DescribeKeyPairs', 'KeyPairId', 'keySet', 'keyPairId')],
  [
    'lt',
    kind('DescribeLaunchTemplates', 'LaunchTemplateId', 'launchTemplates', 'launchTemplateId'),
  ],
  ['nat', kind('DescribeNatGateways', 'NatGatewayId', 'natGatewaySet', 'natGatewayId')],
  ['rtb', kind('DescribeRouteTables', 'RouteTableId', 'routeTableSet', 'routeTableId', 'ownerId')],
  ['sg', kind('DescribeSecurityGroups', 'GroupId', 'securityGroupInfo', 'groupId', 'ownerId')],
  [
    'sgr',
    kind(
      'DescribeSecurityGroupRules',
      'SecurityGroupRuleId',
      'securityGroupRuleSet',
      'securityGroupRuleId',
      'groupOwnerId',
    ),
  ],
  ['snap', kind('DescribeSnapshots', 'SnapshotId', 'snapshotSet', 'snapshotId', 'ownerId')],
  ['subnet', kind('DescribeSubnets', 'SubnetId', 'subnetSet', 'subnetId', 'ownerId')],
  ['vol', kind('DescribeVolumes', 'VolumeId', 'volumeSet', 'volumeId')],
  ['vpc', kind('DescribeVpcs', 'VpcId', 'vpcSet', 'vpcId', 'ownerId')],
  [
    'vpce',
    kind('DescribeVpcEndpoints', 'VpcEndpointId', 'vpcEndpointSet', 'vpcEndpointId', 'ownerId'),
  ],
  ['vgw', kind('DescribeVpnGateways', 'VpnGatewayId', 'vpnGatewaySet', 'vpnGatewayId')],
])

export function kindOf(id: string): Kind | undefined {
  return kinds.get(id.slice(0, id.lastIndexOf('-')))
}
