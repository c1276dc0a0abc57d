/**
 * Railway's 152 queries and 13 subscriptions, each read by hand in the schema of 2026-08-21. `table.ts` says how a line
 * reads. A query that hands out a credential, or that makes one (`projectInviteCode`), is no plain read whatever it is
 * called; what its selections reach is classed in `edges.ts`. `customDomain` and `domainStatus` take a project only to
 * find the domain in: what they touch is the domain. Subscriptions are listed so that the catalogue is whole; none is
 * forwarded.
 */
export const queries = `
adminVolumeInstancesForVolume | read admin denied | environment | volumeId:target:volume
agentUsage | read | account
allPlatformFeatureFlags | read | account
apiToken | read | account
apiTokens | read | account
auditLog | read | account
auditLogEventTypeInfo | read | public
auditLogs | read | account
botScopeBindings | read | account
bucketInstanceDetails | read | environment | bucketId:container:bucket environmentId:environment
bucketS3Credentials | read secret | environment | bucketId:container:bucket environmentId:environment projectId:container:project
buildLogs | read | environment | deploymentId:target:deployment
canvasViewMergePreview | read | environment | sourceEnvironmentId:environment targetEnvironmentId:environment
changelogBlockImage | read | account
cloudAgent | read | environment | environmentId:environment id:target:cloudAgent
cloudAgentConsoleSessions | read | environment | cloudAgentId:target:cloudAgent
cloudAgents | read | environment | environmentId:environment
complianceAgreements | read | account
customDomain | read | environment | id:target:customDomain projectId:none
customDomainAvailable | read | account
deployment | read | environment | id:target:deployment
deploymentEvents | read | environment | id:target:deployment
deploymentInstanceExecutions | read | environment | input.environmentId:environment input.serviceId:container:service
deploymentLogs | read | environment | deploymentId:target:deployment
deploymentSessions | read | environment | deploymentId:target:deployment
deploymentSnapshot | read | environment | deploymentId:target:deployment
deploymentTriggers | read | environment | environmentId:environment projectId:container:project serviceId:container:service
deployments | read | environment | input.environmentId:environment input.projectId:container:project input.serviceId:container:service
dnsQueryLogs | read | environment | environmentId:environment serviceId:container:service deploymentInstanceId:none
domainStatus | read | environment | id:target:customDomain projectId:none
domains | read | environment | environmentId:environment projectId:container:project serviceId:container:service
egressGatewayHAPreview | read | environment | environmentId:environment serviceId:container:service
egressGatewayLegacyPreview | read | environment | environmentId:environment serviceId:container:service
egressGateways | read | environment | environmentId:environment serviceId:container:service
environment | read | environment | id:environment projectId:container:project
environmentChangeSetApply | read | environment | environmentId:environment id:target:changeSetApply
environmentHasLegacyStaticEgress | read | environment | environmentId:environment
environmentLogs | read | environment | environmentId:environment
environmentPatch | read | environment | id:target:environmentPatch
environmentPatches | read | environment | environmentId:environment
environmentStagedChanges | read | environment | environmentId:environment
environments | read | environment | projectId:target:project
estimatedUsage | read | environment | projectId:target:project workspaceId:target:workspace
events | read | environment | environmentId:environment projectId:container:project filter.serviceId.in:none filter.serviceId.notIn:none
externalWorkspaces | read | account
functionRuntime | read | public
functionRuntimes | read | public
gitHubRepoAccessAvailable | read | account
gitHubSshKeys | read | account
githubIsRepoNameAvailable | read | account
githubPRInfo | read | environment | serviceId:target:service
githubPRInfoResult | read | environment | serviceId:target:service
githubRepo | read | account
githubRepoBranches | read | account
githubRepos | read | account
githubWritableScopes | read | account
herokuApps | read | account
httpDurationMetrics | read | environment | environmentId:environment serviceId:container:service
httpLogs | read | environment | deploymentId:target:deployment
httpMetrics | read | environment | environmentId:environment serviceId:container:service
httpMetricsGroupedByStatus | read | environment | environmentId:environment serviceId:container:service
integrationAuth | read | account
integrationAuths | read | account
integrations | read | environment | projectId:target:project
inviteCode | read secret admin | account
me | read | account
metrics | read | environment | environmentId:environment projectId:container:project serviceId:container:service volumeId:container:volume volumeInstanceExternalId:target:volumeInstanceExternal workspaceId:target:workspace
myCloudAgents | read | account
networkFlowLogs | read | environment | environmentId:environment serviceId:container:service deploymentInstanceId:none
notificationDeliveries | read | account
notificationDelivery | read | account
notificationRules | read | account
observabilityDashboards | read | environment | environmentId:environment
passkeys | read | account
pitrHaClusterReplicationHealth | read | environment | environmentId:environment rootServiceId:container:service
pitrHaWorkflowProgress | read | environment | environmentId:environment rootServiceId:container:service
platformStatus | read | public
plugin | read denied | environment | id:target:plugin
pluginLogs | read denied | environment | environmentId:environment pluginId:target:plugin
preferences | read | account
privateNetworkEndpoint | read | environment | environmentId:environment privateNetworkId:target:privateNetwork serviceId:container:service
privateNetworkEndpointNameAvailable | read | environment | environmentId:environment privateNetworkId:target:privateNetwork
privateNetworks | read | environment | environmentId:environment
project | read | environment | id:target:project
projectCompliance | read | account
projectInvitation | read | account
projectInvitations | read | account
projectInviteCode | read secret admin | environment | projectId:target:project
projectMembers | read | account
projectResourceAccess | read | environment | projectId:target:project
projectServiceUsage | read | account
projectToken | read | account
projectTokens | read secret | environment | projectId:target:project
projectWorkspaceMembers | read | account
projects | read | account
projectsByIds | read | environment | ids:target:project
publicStats | read | public
railwayDomain | read | account
railwayDomainByName | read | account
railwayDomainDnsRecords | read | account
railwayDomains | read | account
referralInfo | read | account
regions | read | environment | projectId:target:project
resourceAccess | read | account
sandbox | read | environment | environmentId:environment id:target:sandbox
sandboxCheckpoints | read | environment | environmentId:environment
sandboxSessions | read | environment | environmentId:environment id:target:sandbox
sandboxTemplateBuild | read | environment | environmentId:environment id:target:sandboxTemplateBuild
sandboxes | read | environment | environmentId:environment
service | read | environment | id:target:service
serviceDomainAvailable | read | account
serviceInstance | read | environment | environmentId:environment serviceId:container:service
serviceInstanceAutoDeployStatus | read | environment | environmentId:environment projectId:container:project serviceId:container:service
serviceInstanceIsUpdatable | read | environment | environmentId:environment serviceId:container:service
serviceInstanceLimitOverride | read | environment | environmentId:environment serviceId:container:service
serviceInstanceLimits | read | environment | environmentId:environment serviceId:container:service
sessions | read | account
signal | read | account
signalChanges | read | account
signalEvaluate | read | account
signals | read | account
sshPublicKeys | read | account
sshSignupInfo | read | account
tcpProxies | read | environment | environmentId:environment serviceId:container:service
team | read | account
teamTemplates | read | account
template | read | account
templateMetrics | read | account
templateSearch | read | account
templateSourceForProject | read | environment | projectId:target:project
templates | read | account
templatesCount | read | public
trustedDomains | read | account
twoFactorInfo | read | account
usage | read | environment | projectId:target:project workspaceId:target:workspace
userKickbackEarnings | read | account
userProfile | read | account
userTemplates | read | account
validateServiceEdgeRules | read | environment | input.environmentId:environment input.serviceId:container:service
variables | read secret | environment | environmentId:environment projectId:container:project serviceId:container:service
variablesForServiceDeployment | read secret | environment | environmentId:environment projectId:container:project serviceId:container:service
vercelInfo | read | account
volumeInstance | read | environment | id:target:volumeInstance
volumeInstanceBackupList | read | environment | volumeInstanceId:target:volumeInstance
volumeInstanceBackupScheduleList | read | environment | volumeInstanceId:target:volumeInstance
workflowStatus | read | environment | workflowId:target:workflow
workspace | read | account
workspaceByCode | read | account
workspaceIdentityProviders | read | account
workspacePolicy | read | account
workspacePolicySelectableDeploySources | read | account
workspaceTemplates | read | account
`

export const subscriptions = `
buildLogs | read | environment | deploymentId:target:deployment
deployment | read | environment | id:target:deployment
deploymentEvents | read | environment | id:target:deployment
deploymentInstanceExecutions | read | environment | input.deploymentId:target:deployment
deploymentLogs | read | environment | deploymentId:target:deployment
dnsQueryLogs | read | environment | environmentId:environment serviceId:container:service deploymentInstanceId:none
environmentLogs | read | environment | environmentId:environment
environmentStagedPatch | read | environment | environmentId:environment
httpLogs | read | environment | deploymentId:target:deployment
networkFlowLogs | read | environment | environmentId:environment serviceId:container:service deploymentInstanceId:none
notificationDeliveryUpdated | read | account
pluginLogs | read denied | environment | environmentId:environment pluginId:target:plugin
replicationProgress | read | environment | volumeInstanceId:target:volumeInstance
`
