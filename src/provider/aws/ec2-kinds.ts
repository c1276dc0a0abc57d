/**
 * How an id of each kind of EC2's is resolved, as reviewed by hand; compiled into the catalogue, where the model says what
 * the wire calls each member. A kind that several accounts can see stands here only where the answer says whose it is:
 * without an owner it is one that is never shared, so that being listed proves it.
 *
 * Not here, and so denied: kinds that no Describe lists by their id, and those that are shared, or reach into another
 * account, with an answer that does not say whose they are (`without`).
 */

/**
 * Prefix of the id (`-` where the argument's own name tells the kind), action, how it is asked for (a member of the
 * input, or a filter), the id in one item of the answer, and whose it is: numbers of accounts or ARNs, all of which count.
 */
export const ec2Kinds = `
acl            DescribeNetworkAcls                 NetworkAclIds                  NetworkAclId                   OwnerId
aclassoc       DescribeNetworkAcls                 filter:association.association-id  Associations.NetworkAclAssociationId  OwnerId
afi            DescribeFpgaImages                  FpgaImageIds                   FpgaImageId                    OwnerId
ami            DescribeImages                      ImageIds                       ImageId                        OwnerId
bun            DescribeBundleTasks                 BundleIds                      BundleId
cagw           DescribeCarrierGateways             CarrierGatewayIds              CarrierGatewayId               OwnerId
cgw            DescribeCustomerGateways            CustomerGatewayIds             CustomerGatewayId
-              DescribeCapacityManagerDataExports  CapacityManagerDataExportIds   CapacityManagerDataExportId
cr             DescribeCapacityReservations        CapacityReservationIds         CapacityReservationId          OwnerId
crf            DescribeCapacityReservationFleets   CapacityReservationFleetIds    CapacityReservationFleetId     CapacityReservationFleetArn
cvpn-endpoint  DescribeClientVpnEndpoints          ClientVpnEndpointIds           ClientVpnEndpointId
dopt           DescribeDhcpOptions                 DhcpOptionsIds                 DhcpOptionsId                  OwnerId
eice           DescribeInstanceConnectEndpoints    InstanceConnectEndpointIds     InstanceConnectEndpointId      OwnerId
eigw           DescribeEgressOnlyInternetGateways  EgressOnlyInternetGatewayIds   EgressOnlyInternetGatewayId
eipalloc       DescribeAddresses                   AllocationIds                  AllocationId
eipassoc       DescribeAddresses                   filter:association-id          AssociationId                  NetworkInterfaceOwnerId
eni            DescribeNetworkInterfaces           NetworkInterfaceIds            NetworkInterfaceId             OwnerId
eni-attach     DescribeNetworkInterfaces           filter:attachment.attachment-id  Attachment.AttachmentId      OwnerId,Attachment.InstanceOwnerId
export-ami     DescribeExportImageTasks            ExportImageTaskIds             ExportImageTaskId
export-i       DescribeExportTasks                 ExportTaskIds                  ExportTaskId
fl             DescribeFlowLogs                    FlowLogIds                     FlowLogId
h              DescribeHosts                       HostIds                        HostId                         OwnerId
hr             DescribeHostReservations            HostReservationIdSet           HostReservationId
i              DescribeInstances                   InstanceIds                    Instances.InstanceId            OwnerId
iew            DescribeInstanceEventWindows        InstanceEventWindowIds         InstanceEventWindowId
igw            DescribeInternetGateways            InternetGatewayIds             InternetGatewayId              OwnerId
iip-assoc      DescribeIamInstanceProfileAssociations  AssociationIds             AssociationId
import-ami     DescribeImportImageTasks            ImportTaskIds                  ImportTaskId
import-i       DescribeConversionTasks             ConversionTaskIds              ConversionTaskId
import-snap    DescribeImportSnapshotTasks         ImportTaskIds                  ImportTaskId
import-vol     DescribeConversionTasks             ConversionTaskIds              ConversionTaskId
ipam           DescribeIpams                       IpamIds                        IpamId                         OwnerId
ipam-ext-res-ver-token  DescribeIpamExternalResourceVerificationTokens  IpamExternalResourceVerificationTokenIds  IpamExternalResourceVerificationTokenId  IpamArn
-              DescribeIpamPolicies                IpamPolicyIds                  IpamPolicyId                   OwnerId
ipam-pool      DescribeIpamPools                   IpamPoolIds                    IpamPoolId                     OwnerId
-              DescribeIpamPrefixListResolvers     IpamPrefixListResolverIds      IpamPrefixListResolverId       OwnerId
-              DescribeIpamPrefixListResolverTargets  IpamPrefixListResolverTargetIds  IpamPrefixListResolverTargetId  OwnerId
ipam-res-disco DescribeIpamResourceDiscoveries     IpamResourceDiscoveryIds       IpamResourceDiscoveryId        OwnerId
ipam-res-disco-assoc  DescribeIpamResourceDiscoveryAssociations  IpamResourceDiscoveryAssociationIds  IpamResourceDiscoveryAssociationId  OwnerId,IpamArn
ipam-scope     DescribeIpamScopes                  IpamScopeIds                   IpamScopeId                    OwnerId
ipv4pool-coip  DescribeCoipPools                   PoolIds                        PoolId                         PoolArn
ipv4pool-ec2   DescribePublicIpv4Pools             PoolIds                        PoolId
ipv6pool-ec2   DescribeIpv6Pools                   PoolIds                        PoolId
iur            DescribeImageUsageReports           ReportIds                      ReportId
key            DescribeKeyPairs                    KeyPairIds                     KeyPairId
lgw            DescribeLocalGateways               LocalGatewayIds                LocalGatewayId                 OwnerId
lgw-rtb        DescribeLocalGatewayRouteTables     LocalGatewayRouteTableIds      LocalGatewayRouteTableId       OwnerId
lgw-vif        DescribeLocalGatewayVirtualInterfaces  LocalGatewayVirtualInterfaceIds  LocalGatewayVirtualInterfaceId  OwnerId
lgw-vif-grp    DescribeLocalGatewayVirtualInterfaceGroups  LocalGatewayVirtualInterfaceGroupIds  LocalGatewayVirtualInterfaceGroupId  OwnerId
lgw-vif-grp-assoc  DescribeLocalGatewayRouteTableVirtualInterfaceGroupAssociations  LocalGatewayRouteTableVirtualInterfaceGroupAssociationIds  LocalGatewayRouteTableVirtualInterfaceGroupAssociationId  OwnerId,LocalGatewayRouteTableArn
lgw-vpc-assoc  DescribeLocalGatewayRouteTableVpcAssociations  LocalGatewayRouteTableVpcAssociationIds  LocalGatewayRouteTableVpcAssociationId  OwnerId,LocalGatewayRouteTableArn
lt             DescribeLaunchTemplates             LaunchTemplateIds              LaunchTemplateId
-              DescribeMacModificationTasks        MacModificationTaskIds         MacModificationTaskId
nat            DescribeNatGateways                 NatGatewayIds                  NatGatewayId
nia            DescribeNetworkInsightsAnalyses     NetworkInsightsAnalysisIds     NetworkInsightsAnalysisId      NetworkInsightsAnalysisArn
nip            DescribeNetworkInsightsPaths        NetworkInsightsPathIds         NetworkInsightsPathId          NetworkInsightsPathArn
nis            DescribeNetworkInsightsAccessScopes NetworkInsightsAccessScopeIds  NetworkInsightsAccessScopeId   NetworkInsightsAccessScopeArn
nisa           DescribeNetworkInsightsAccessScopeAnalyses  NetworkInsightsAccessScopeAnalysisIds  NetworkInsightsAccessScopeAnalysisId  NetworkInsightsAccessScopeAnalysisArn
op-lag         DescribeOutpostLags                 OutpostLagIds                  OutpostLagId                   OwnerId
pcx            DescribeVpcPeeringConnections       VpcPeeringConnectionIds        VpcPeeringConnectionId         AccepterVpcInfo.OwnerId,RequesterVpcInfo.OwnerId
pg             DescribePlacementGroups             GroupIds                       GroupId                        GroupArn
pl             DescribeManagedPrefixLists          PrefixListIds                  PrefixListId                   OwnerId
replacevol     DescribeReplaceRootVolumeTasks      ReplaceRootVolumeTaskIds       ReplaceRootVolumeTaskId
rs             DescribeRouteServers                RouteServerIds                 RouteServerId
rse            DescribeRouteServerEndpoints        RouteServerEndpointIds         RouteServerEndpointId
rsp            DescribeRouteServerPeers            RouteServerPeerIds             RouteServerPeerId
rtb            DescribeRouteTables                 RouteTableIds                  RouteTableId                   OwnerId
rtbassoc       DescribeRouteTables                 filter:association.route-table-association-id  Associations.RouteTableAssociationId  OwnerId
-              DescribeSecondaryInterfaces         SecondaryInterfaceIds          SecondaryInterfaceId           OwnerId
-              DescribeSecondaryNetworks           SecondaryNetworkIds            SecondaryNetworkId             OwnerId
-              DescribeSecondarySubnets            SecondarySubnetIds             SecondarySubnetId              OwnerId
-              DescribeServiceLinkVirtualInterfaces  ServiceLinkVirtualInterfaceIds  ServiceLinkVirtualInterfaceId  OwnerId
sg             DescribeSecurityGroups              GroupIds                       GroupId                        OwnerId
sgr            DescribeSecurityGroupRules          SecurityGroupRuleIds           SecurityGroupRuleId            GroupOwnerId
sir            DescribeSpotInstanceRequests        SpotInstanceRequestIds         SpotInstanceRequestId
snap           DescribeSnapshots                   SnapshotIds                    SnapshotId                     OwnerId
subnet         DescribeSubnets                     SubnetIds                      SubnetId                       OwnerId
subnet-cidr-assoc  DescribeSubnets                 filter:ipv6-cidr-block-association.association-id  Ipv6CidrBlockAssociationSet.AssociationId  OwnerId
tgw            DescribeTransitGateways             TransitGatewayIds              TransitGatewayId               OwnerId
tgw-attach     DescribeTransitGatewayAttachments   TransitGatewayAttachmentIds    TransitGatewayAttachmentId     TransitGatewayOwnerId,ResourceOwnerId
tgw-mcast-domain  DescribeTransitGatewayMulticastDomains  TransitGatewayMulticastDomainIds  TransitGatewayMulticastDomainId  OwnerId
-              DescribeTransitGatewayMeteringPolicies  TransitGatewayMeteringPolicyIds  TransitGatewayMeteringPolicyId
tgw-ptb        DescribeTransitGatewayPolicyTables  TransitGatewayPolicyTableIds   TransitGatewayPolicyTableId
tgw-rtb        DescribeTransitGatewayRouteTables   TransitGatewayRouteTableIds    TransitGatewayRouteTableId
tmf            DescribeTrafficMirrorFilters        TrafficMirrorFilterIds         TrafficMirrorFilterId
tmfr           DescribeTrafficMirrorFilterRules    TrafficMirrorFilterRuleIds     TrafficMirrorFilterRuleId
tms            DescribeTrafficMirrorSessions       TrafficMirrorSessionIds        TrafficMirrorSessionId         OwnerId
tmt            DescribeTrafficMirrorTargets        TrafficMirrorTargetIds         TrafficMirrorTargetId          OwnerId
vagr           DescribeVerifiedAccessGroups        VerifiedAccessGroupIds         VerifiedAccessGroupId          Owner
vai            DescribeVerifiedAccessInstances     VerifiedAccessInstanceIds      VerifiedAccessInstanceId
vatp           DescribeVerifiedAccessTrustProviders  VerifiedAccessTrustProviderIds  VerifiedAccessTrustProviderId
vgw            DescribeVpnGateways                 VpnGatewayIds                  VpnGatewayId
vol            DescribeVolumes                     VolumeIds                      VolumeId
vpc            DescribeVpcs                        VpcIds                         VpcId                          OwnerId
vpc-cidr-assoc DescribeVpcs                        filter:cidr-block-association.association-id  CidrBlockAssociationSet.AssociationId  OwnerId
-              DescribeVpcBlockPublicAccessExclusions  ExclusionIds               ExclusionId
-              DescribeVpcEncryptionControls       VpcEncryptionControlIds        VpcEncryptionControlId
vpce           DescribeVpcEndpoints                VpcEndpointIds                 VpcEndpointId                  OwnerId
vpce-nfn       DescribeVpcEndpointConnectionNotifications  ConnectionNotificationId  ConnectionNotificationId    ConnectionNotificationArn
vpce-svc       DescribeVpcEndpointServiceConfigurations  ServiceIds               ServiceId
vpn            DescribeVpnConnections              VpnConnectionIds               VpnConnectionId
-              DescribeVpnConcentrators            VpnConcentratorIds             VpnConcentratorId
`

/** Actions that list a kind by its id and resolve none here, and why. */
export const without: Readonly<Record<string, string>> = Object.fromEntries(
  [
    [
      'another action of the same kind says more',
      `DescribeAddressTransfers DescribeAddressesAttribute DescribeCapacityBlockExtensionHistory
       DescribeCapacityBlockStatus DescribeCapacityReservationBillingRequests DescribeCapacityReservationTopology
       DescribeClassicLinkInstances DescribeClientVpnAuthorizationRules DescribeClientVpnConnections
       DescribeClientVpnRoutes DescribeFastLaunchImages DescribeImageReferences
       DescribeImageUsageReportEntries DescribeInstanceCreditSpecifications
       DescribeInstanceImageMetadata DescribeInstanceSqlHaHistoryStates DescribeInstanceSqlHaStates
       DescribeInstanceStatus DescribeInstanceTopology DescribeLaunchTemplateVersions
       DescribeLockedSnapshots DescribeMacHosts DescribePrefixLists DescribeSecurityGroupReferences
       DescribeStaleSecurityGroups DescribeTransitGatewayConnects
       DescribeTransitGatewayPeeringAttachments DescribeTransitGatewayVpcAttachments
       DescribeVerifiedAccessInstanceLoggingConfigurations DescribeVolumeStatus
       DescribeVolumesModifications DescribeVpcClassicLink DescribeVpcClassicLinkDnsSupport
       DescribeVpcEndpointAssociations DescribeVpcEndpointServicePermissions`,
    ],
    [
      'it can be seen by another account than its owner’s, which the answer does not name',
      `DescribeCapacityBlocks DescribeIpamPoolAllocations DescribeNetworkInterfacePermissions
       DescribeTransitGatewayConnectPeers DescribeTransitGatewayRouteTableAnnouncements
       DescribeTrunkInterfaceAssociations DescribeVerifiedAccessEndpoints`,
    ],
    [
      'its ids have another form, and are names of the account',
      `DescribeFleets DescribeReservedInstances DescribeReservedInstancesListings
       DescribeReservedInstancesModifications DescribeScheduledInstances DescribeSpotFleetRequests`,
    ],
    [
      'it belongs to nobody, or to a whole organization',
      `DescribeAvailabilityZones DescribeDeclarativePoliciesReports DescribeHostReservationOfferings
       DescribeReservedInstancesOfferings DescribeSpotPriceHistory`,
    ],
    ['it is asked for beside another id', 'DescribeClientVpnTargetNetworks'],
    ['it is no longer offered', 'DescribeElasticGpus'],
  ].flatMap(([why = '', names = '']) => names.split(/\s+/).map((name) => [name, why])),
)
