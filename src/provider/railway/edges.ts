/**
 * What selecting each field of each type does. Every type was read and given a scope; the class of an edge follows from
 * the scopes at its ends, and the exceptions are listed. A type without a scope leaves its edges unclassified, and an
 * unclassified edge is denied.
 *
 * - out of an environment to what contains it (its project, its service): stays, its own fields are shallow metadata
 * - from a container down to what lives in environments, or to lists of other containers: widens
 * - to anything that belongs to an account: widens
 * - a scalar that can carry credentials, and every scalar whose content the schema does not describe: secret
 */
import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isListType,
  isObjectType,
  isInterfaceType,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql'
import type { EdgeClass } from '../graphql/catalogue.ts'

export type TypeScope = 'environment' | 'container' | 'account' | 'value' | 'public'

const words = (text: string): string[] => text.trim().split(/\s+/)

/** `value` types have no life of their own: they belong to whatever returned them. */
export const typeScopes: Readonly<Record<TypeScope, readonly string[]>> = {
  environment: words(`
    CloudAgent Container CustomDomain Deployment DeploymentDeploymentInstance DeploymentEvent
    DeploymentInstanceExecution DeploymentSnapshot DeploymentTrigger Domain DomainWithStatus Environment
    EnvironmentPatch Event ObservabilityDashboard ObservabilityDashboardAlert ObservabilityDashboardItem
    ObservabilityDashboardItemInstance ObservabilityDashboardMonitor PrivateNetwork PrivateNetworkEndpoint Sandbox
    SandboxCheckpoint SandboxSession SandboxTemplateBuild ServiceDomain ServiceInstance TCPProxy Variable
    VolumeInstance VolumeInstanceBackup VolumeInstanceBackupSchedule`),
  container: words('Bucket Group Integration Plugin Project Service Volume'),
  account: words(`
    AdoptionInfo AgentUsageSummary ApiToken ApiTokenContext ApiTokenRateLimit ApiTokenWorkspace AuditLog BillingPeriod
    BotScopeBindingInfo ComplianceAgreementsInfo ConnectedServiceInstance Credit Customer CustomerAddress
    CustomerInvoice CustomerSubscription CustomerTaxId ExternalWorkspace GitHubAccess GitHubBranch GitHubRepo
    GitHubRepoWithoutInstallation GitHubSshKey HerokuApp IntegrationAuth InviteCode MaintainerWorkspace
    NotificationChannel NotificationDelivery NotificationDeliveryCreated NotificationDeliveryResolved
    NotificationDeliveryUpdate NotificationInstance NotificationRule PartnerProfile Passkey PaymentMethod
    PaymentMethodCard PlanLimitOverride Preferences ProjectComplianceInfo ProjectInvitation ProjectInvitationInviter
    ProjectMember ProjectMemberPermissionsInfo ProjectMemberTwoFactorInfo ProjectPermission ProjectServiceUsagePage
    ProjectServiceUsagePageInfo ProjectToken ProjectWorkspaceMember ProjectWorkspaceMembersResponse ProviderAuth
    PublicProjectInformation PublicProjectInvitation RailwayDomain RailwayDomainDnsRecord RailwayDomainNameservers
    RecoveryCodes ReferralInfo ReferralStats ReferralUser ResourceAccess SSHSignupInfo ServiceBackupInfo Session Signal
    SignalChange SignalEvaluation SimilarTemplate SpendCommitment SshPublicKey SubscriptionDiscount SubscriptionItem
    Team TeamMember TeamPermission Template TemplateCreator TemplateGuide TemplateMetrics TemplateSearchResult
    TemplateService TrustedDomain TrustedDomainVerificationData TwoFactorInfo TwoFactorInfoSecret UsageLimit User
    UserKickbackEarnings UserProfile UserProfileResponse VercelAccount VercelInfo VercelProject Workspace
    WorkspaceIdPConnection WorkspaceIdentityProvider WorkspaceMember WorkspacePolicy
    WorkspacePolicyDeploySourceAllowlist WorkspacePolicySelectableDeploySource`),
  value: words(`
    AccessRule AggregatedUsage AllDomains AppliedByMember BucketInstanceDetails BucketS3CompatibleCredentials
    CanvasViewMergePreview CertificatePublicData ChangeOperationResult ChangeSetApplyResult ChangeSetPreview
    CloudAgentDomain CloudAgentSnapshot CnameCheck CustomDomainStatus DNSRecords DeploymentCreator
    DeploymentEventPayload DeploymentSocket DnsQueryLog DockerComposeImport DomainAvailable EdgeCachingConfig
    EdgeConfig EdgeRuleDiagnostic EgressGateway EgressMigrationEnvironmentResult EgressMigrationResult EnvironmentMeta
    EstimatedUsage GitHubCheck GitHubPRInfo GitHubPRInfoResult HttpDurationMetricsResult HttpDurationMetricsSample
    HttpLog HttpMetricsByStatusResult HttpMetricsResult HttpMetricsSample Log LogAttribute LogTags Metric MetricTags
    MetricsResult MonitorThresholdConfig NetworkFlowLog Node ObservabilityDashboardItemConfig
    ObservabilityDashboardMonitorConfig PageInfo PitrHaClusterReplicationHealth PitrHaMemberReplicationHealth
    PitrHaWorkflowMemberProgress PitrHaWorkflowProgress ProjectResourceAccess Region RegionDeploymentConstraints
    RegionDeprecationInfo SandboxExecResult SandboxSessionRunState ServiceInstanceAutoDeployStatus
    ServiceInstanceAutoDeployUpdateResult ServiceSource StaleWhileRevalidateConfig TemplateDeployPayload
    VolumeInstanceReplicationProgress VolumeReplicationProgressUpdate VolumeSnapshotReplicationProgressUpdate
    WorkflowId WorkflowResult`),
  public: words(`
    AuditLogEventTypeInfo FunctionRuntime FunctionRuntimeVersion Incident Maintenance PlatformFeatureFlagStatus
    PlatformStatus PublicStats`),
}

/** Scalars whose content the schema does not describe: each can carry variables, and so is secret where not reviewed. */
const opaque: ReadonlySet<string> = new Set(
  words(`
    CanvasConfig DeploymentDiagnosis DeploymentMeta DisplayConfig EnvironmentConfig EnvironmentVariables JSON
    NotificationChannelConfig NotificationPayload RailpackInfo SerializedTemplateConfig ServiceInstanceLimit
    SkippedResourceIds SpendCommitmentFeatureId SubscriptionPlanLimit SupportHealthMetrics TemplateConfig
    TemplateMetadata TemplateServiceConfig TemplateVolume Upload`),
)

/** Reviewed one by one; each stands against what the rules above would say. */
export const exceptions: Readonly<Record<string, EdgeClass>> = {
  // The environment it was copied from is another one.
  'Environment.sourceEnvironment': 'widens',
  // Names, not values; but a nested `variables` is asked about like `variables` itself.
  'Environment.variables': 'secret',
  'Plugin.variables': 'secret',
  'BucketS3CompatibleCredentials.accessKeyId': 'secret',
  'BucketS3CompatibleCredentials.secretAccessKey': 'secret',
  'InviteCode.code': 'secret',
  'RecoveryCodes.recoveryCodes': 'secret',
  'TwoFactorInfoSecret.secret': 'secret',
  'TwoFactorInfoSecret.uri': 'secret',
  // Shortened, but how far the schema does not say.
  'ApiToken.displayToken': 'secret',
  'ProjectToken.displayToken': 'secret',
  'TrustedDomainVerificationData.token': 'secret',
  // Layout, a layout's references, ids of what was skipped, plan limits: no place for a variable.
  'Environment.canvasGroupRefs': 'stays',
  'EnvironmentMeta.skippedResourceIds': 'stays',
  'ObservabilityDashboardItemInstance.displayConfig': 'stays',
  'Project.subscriptionPlanLimit': 'stays',
  'EdgeConfig.purgeEpochByKind': 'stays',
  'ServiceInstance.preDeployCommand': 'stays',
  // Which projects, environments and services a user's domain points at, across the workspace.
  'RailwayDomain.connectedServiceInstances': 'widens',
}

function scopeOf(
  type: GraphQLNamedType,
  scopes: ReadonlyMap<string, TypeScope>,
): TypeScope | undefined {
  return scopes.get(type.name)
}

/** The types a connection's `edges` and `node` lead to; other types lead to themselves. */
function behind(type: GraphQLNamedType): { type: GraphQLNamedType; list: boolean } {
  const edges = isConnection(type) && isObjectType(type) ? type.getFields()['edges'] : undefined
  const edge = edges === undefined ? undefined : getNamedType(edges.type)
  const node = isObjectType(edge) ? edge.getFields()['node'] : undefined
  return node === undefined ? { type, list: false } : { type: getNamedType(node.type), list: true }
}

function isConnection(type: GraphQLNamedType): boolean {
  return isObjectType(type) && 'edges' in type.getFields() && 'pageInfo' in type.getFields()
}

/** The edge types of connections: `node` and `cursor`, nothing else. */
function isConnectionEdge(type: GraphQLNamedType): boolean {
  if (!isObjectType(type)) return false
  return Object.keys(type.getFields()).toSorted().join() === 'cursor,node'
}

/** By `Type.field`, for every type but the roots. What is missing from it is denied. */
export function classifyEdges(schema: GraphQLSchema): Map<string, EdgeClass> {
  const scopes = new Map<string, TypeScope>()
  for (const [scope, names] of Object.entries(typeScopes) as [TypeScope, readonly string[]][])
    for (const name of names) scopes.set(name, scope)

  const classes = new Map<string, EdgeClass>()
  const roots: ReadonlySet<GraphQLNamedType | null | undefined> = new Set([
    schema.getQueryType(),
    schema.getMutationType(),
    schema.getSubscriptionType(),
  ])
  for (const type of Object.values(schema.getTypeMap())) {
    if (roots.has(type) || !(isObjectType(type) || isInterfaceType(type))) continue
    // Introspection describes the provider, and is not otherwise in the way.
    const plumbing = type.name.startsWith('__') || isConnection(type) || isConnectionEdge(type)
    const from = scopeOf(type, scopes)
    for (const field of Object.values(type.getFields())) {
      const edge = `${type.name}.${field.name}`
      const kind = exceptions[edge] ?? (plumbing ? 'stays' : classify(from, field, scopes))
      if (kind !== undefined) classes.set(edge, kind)
    }
  }
  return classes
}

function classify(
  from: TypeScope | undefined,
  field: GraphQLField<unknown, unknown>,
  scopes: ReadonlyMap<string, TypeScope>,
): EdgeClass | undefined {
  if (from === undefined) return undefined
  const named = getNamedType(field.type)
  if (!isCompositeType(named)) return opaque.has(named.name) ? 'secret' : 'stays'
  const target = behind(named)
  const to = scopeOf(target.type, scopes)
  if (to === undefined) return undefined
  const list = target.list || isListType(getNullableType(field.type)) || isAbstractType(named)
  if (to === 'account') return 'widens'
  if (to === 'environment') return from === 'environment' || from === 'value' ? 'stays' : 'widens'
  if (to === 'container') return list || from === 'account' ? 'widens' : 'stays'
  return 'stays'
}
