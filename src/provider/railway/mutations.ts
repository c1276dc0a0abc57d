/**
 * Railway's 230 mutations, each read by hand in the schema of 2026-08-21. `table.ts` says how a line reads. A name is
 * not evidence: what decided each line is its arguments, its answer, and what the provider says an absent or a narrowing
 * argument does. Where that was in doubt the line says the worse of the two.
 *
 * Lines that surprise:
 * - The environment argument of `serviceCreate`, `serviceDelete` and `serviceInstanceUpdate` narrows them only where that
 *   environment is a fork; otherwise they act on every environment that is not one. So the service (or the project) is a target.
 * - `bucketCreate` does not implement its environment argument yet; `githubRepoDeploy` and the templates create services.
 * - `volumeInstanceUpdate` disconnects the volume where `serviceId` is absent, and can set the state to DELETED.
 * - `environmentStageChanges` throws away what others staged unless it merges.
 * - Sandboxes and cloud agents take variables that may refer to others, which the agent can then print.
 */
export const mutations = `
agentUsageLimitSet | write admin | account
apiTokenCreate | write secret admin | account
apiTokenDelete | write destructive admin | account
baseEnvironmentOverride | write | environment | id:target:deploymentTrigger input.baseEnvironmentOverrideId:environment
botScopeBindingRemove | write destructive admin | account
bucketCreate | write | environment | input.projectId:target:project input.environmentId:environment
bucketCredentialsReset | write destructive secret admin | environment | bucketId:container:bucket environmentId:environment projectId:container:project
bucketUpdate | write | environment | id:target:bucket
cancelPitrHaWorkflow | write destructive | environment | environmentId:environment rootServiceId:container:service
canvasViewMerge | write destructive | environment | sourceEnvironmentId:environment targetEnvironmentId:environment
clearPitrHaWorkflowProgress | write | environment | environmentId:environment rootServiceId:container:service
cliAuthEventTrack | write | account
cliEventTrack | write | account
cloudAgentCreate | write | environment | input.environmentId:environment | secret if input.variables present
cloudAgentDelete | write destructive | environment | id:target:cloudAgent
cloudAgentSleep | write | environment | id:target:cloudAgent
cloudAgentStateReport | write | environment | input.cloudAgentId:target:cloudAgent input.agents.sessionId:none input.agents.taskId:none
cloudAgentWake | write | environment | id:target:cloudAgent
customDomainCreate | write | environment | input.environmentId:environment input.projectId:container:project input.serviceId:container:service
customDomainDelete | write destructive | environment | id:target:customDomain
customDomainIssueCertificate | write | environment | id:target:customDomain
customDomainUpdate | write | environment | environmentId:environment id:target:customDomain
customerCreateFreePlanSubscription | write admin | account
customerTogglePayoutsToCredits | write admin | account
deploymentApprove | write admin | environment | id:target:deployment
deploymentCancel | write destructive | environment | id:target:deployment
deploymentInstanceExecutionCreate | write destructive | environment | input.serviceInstanceId:target:serviceInstance
deploymentRedeploy | write | environment | id:target:deployment
deploymentRemove | write destructive | environment | id:target:deployment
deploymentRestart | write | environment | id:target:deployment
deploymentRollback | write destructive | environment | id:target:deployment
deploymentStop | write destructive | environment | id:target:deployment
deploymentTriggerCreate | write | environment | input.environmentId:environment input.projectId:container:project input.serviceId:container:service
deploymentTriggerDelete | write destructive | environment | id:target:deploymentTrigger
deploymentTriggerUpdate | write | environment | id:target:deploymentTrigger
disablePitrForHaCluster | write destructive | environment | input.environmentId:environment input.projectId:container:project input.rootServiceId:container:service
disableServiceCdn | write destructive | environment | input.environmentId:environment input.serviceId:container:service
dockerComposeImport | write destructive | environment | environmentId:environment projectId:container:project
egressGatewayAssociationCreate | write | environment | input.environmentId:environment input.serviceId:container:service
egressGatewayAssociationsClear | write destructive | environment | input.environmentId:environment input.serviceId:container:service?input.allEnvironments
egressGatewayHAMigrationPreview | write | environment | input.environmentId:environment input.serviceId:container:service?input.allEnvironments
egressGatewayRollbackFromHA | write destructive | environment | input.environmentId:environment input.serviceId:container:service?input.allEnvironments
egressGatewayUpgradeToHA | write | environment | input.environmentId:environment input.serviceId:container:service?input.allEnvironments
emailChangeConfirm | write admin | account
emailChangeInitiate | write admin | account
enablePitrForHaCluster | write | environment | input.environmentId:environment input.projectId:container:project input.rootServiceId:container:service
enableServiceCdn | write | environment | input.environmentId:environment input.serviceId:container:service
environmentApplyChangeSet | write destructive | environment | environmentId:environment | | input:changeSet
environmentCreate | write | environment | input.projectId:target:project input.sourceEnvironmentId:environment
environmentDelete | write destructive | environment | id:environment
environmentPatchCommit | write | environment | environmentId:environment | | patch:config
environmentPatchCommitStaged | write destructive | environment | environmentId:environment
environmentPreviewChangeSet | write | environment | environmentId:environment | | input:changeSet
environmentRename | write | environment | id:environment
environmentStageChanges | write | environment | environmentId:environment | destructive if merge not true | input:config
environmentTriggersDeploy | write | environment | input.environmentId:environment input.projectId:container:project input.serviceId:container:service
environmentUnskipService | write | environment | environmentId:environment serviceId:container:service
fairUseAgree | write admin | account
featureFlagAdd | write admin | account
featureFlagRemove | write admin | account
generateShellToken | write destructive secret admin | environment | input.environmentId:environment input.instanceId:target:instance input.serviceId:container:service
githubRepoDeploy | write | environment | input.environmentId:environment input.projectId:target:project
githubRepoUpdate | write | environment | input.environmentId:environment input.projectId:container:project input.serviceId:container:service
herokuImportVariables | write denied | environment | input.environmentId:environment input.projectId:container:project input.serviceId:container:service input.herokuAppId:none
integrationCreate | write | environment | input.projectId:target:project input.integrationAuthId:target:integrationAuth
integrationDelete | write destructive | environment | id:target:integration
integrationUpdate | write | environment | id:target:integration input.projectId:target:project input.integrationAuthId:target:integrationAuth
inviteCodeUse | write admin | account
jobApplicationCreate | write denied | account
loginSessionAuth | write admin | account
loginSessionCancel | write | account
loginSessionConsume | write secret admin | account
loginSessionCreate | write secret admin | account
loginSessionVerify | write | account
notificationDeliveriesMarkAsRead | write | account
notificationRuleCreate | write admin | account
notificationRuleDelete | write destructive admin | account
notificationRuleUpdate | write admin | account
observabilityDashboardCreate | write | environment | input.environmentId:environment input.items.id:target:dashboardItem input.items.dashboardItem.id:target:dashboardItem input.items.dashboardItem.config.resourceIds:target:resource
observabilityDashboardReset | write destructive | environment | id:target:observabilityDashboard
observabilityDashboardUpdate | write destructive | environment | id:target:observabilityDashboard input.id:target:dashboardItem input.dashboardItem.id:target:dashboardItem input.dashboardItem.config.resourceIds:target:resource
passkeyDelete | write destructive admin | account
pluginCreate | write denied | environment | input.projectId:target:project input.environmentId:environment
pluginDelete | write destructive denied | environment | id:target:plugin environmentId:environment
pluginReset | write destructive denied | environment | id:target:plugin input.environmentId:environment
pluginResetCredentials | write destructive secret admin denied | environment | id:target:plugin input.environmentId:environment
pluginRestart | write denied | environment | id:target:plugin input.environmentId:environment
pluginStart | write denied | environment | id:target:plugin input.environmentId:environment
pluginUpdate | write denied | environment | id:target:plugin
preferencesUpdate | write | account
privateNetworkCreateOrGet | write | environment | input.environmentId:environment input.projectId:container:project
privateNetworkEndpointCreateOrGet | write | environment | input.environmentId:environment input.privateNetworkId:target:privateNetwork input.serviceId:container:service
privateNetworkEndpointDelete | write destructive | environment | id:target:privateNetworkEndpoint
privateNetworkEndpointRename | write | environment | id:target:privateNetworkEndpoint privateNetworkId:target:privateNetwork
privateNetworksForEnvironmentDelete | write destructive | environment | environmentId:environment
projectClaim | write admin | account
projectCreate | write admin | account
projectDelete | write destructive | environment | id:target:project
projectFeatureFlagAdd | write admin | environment | input.projectId:target:project
projectFeatureFlagRemove | write admin | environment | input.projectId:target:project
projectInvitationAccept | write admin | account
projectInvitationCreate | write admin | environment | id:target:project
projectInvitationDelete | write destructive admin | account
projectInvitationResend | write admin | account
projectInviteUser | write admin | environment | id:target:project
projectLeave | write destructive admin | account
projectMemberAdd | write admin | environment | input.projectId:target:project input.userId:none
projectMemberRemove | write destructive admin | environment | input.projectId:target:project input.userId:none
projectMemberUpdate | write admin | environment | input.projectId:target:project input.userId:none
projectScheduleDelete | write destructive | environment | id:target:project
projectScheduleDeleteCancel | write | environment | id:target:project
projectScheduleDeleteForce | write destructive | environment | id:target:project
projectTokenCreate | write secret admin | environment | input.environmentId:environment input.projectId:container:project
projectTokenDelete | write destructive admin | environment | id:target:projectToken
projectTransfer | write destructive admin | account
projectTransferConfirm | write destructive admin | account
projectTransferInitiate | write destructive admin | account
projectTransferToTeam | write destructive admin | account
projectUpdate | write | environment | id:target:project input.baseEnvironmentId:environment | admin if input.isPublic present
providerAuthRemove | write destructive admin | account
purgeServiceCache | write | environment | input.environmentId:environment input.serviceId:container:service
railwayDomainDnsRecordCreate | write admin | account
railwayDomainDnsRecordDelete | write destructive admin | account
railwayDomainDnsRecordUpdate | write destructive admin | account
railwayDomainNameserversSet | write destructive admin | account
railwayDomainUpdate | write admin | account
recoveryCodeGenerate | write destructive secret admin | account
recoveryCodeValidate | write | account
referralInfoUpdate | write | account
sandboxCheckpointCreate | write | environment | environmentId:environment sandboxId:target:sandbox
sandboxCheckpointDelete | write destructive | environment | environmentId:environment id:target:sandboxCheckpoint
sandboxCheckpointRename | write | environment | environmentId:environment id:target:sandboxCheckpoint
sandboxCreate | write | environment | input.environmentId:environment input.sourceSandboxId:target:sandbox | secret if input.variables present; secret if input.template.variables present
sandboxDestroy | write destructive | environment | environmentId:environment id:target:sandbox
sandboxExec | write destructive secret | environment | environmentId:environment id:target:sandbox
sandboxHeartbeat | write | environment | environmentId:environment id:target:sandbox
sandboxTemplateBuild | write | environment | environmentId:environment | secret if input.variables present
serviceConnect | write | environment | id:target:service
serviceCreate | write | environment | input.projectId:target:project input.environmentId:environment input.templateId:none input.templateServiceId:none
serviceDelete | write destructive | environment | id:target:service environmentId:environment
serviceDisconnect | write destructive | environment | id:target:service
serviceDomainCreate | write | environment | input.environmentId:environment input.serviceId:container:service
serviceDomainDelete | write destructive | environment | id:target:serviceDomain
serviceDomainUpdate | write | environment | input.environmentId:environment input.serviceDomainId:target:serviceDomain input.serviceId:container:service
serviceDuplicate | write | environment | environmentId:environment serviceId:target:service
serviceFeatureFlagAdd | write admin | environment | input.serviceId:target:service
serviceFeatureFlagRemove | write admin | environment | input.serviceId:target:service
serviceInstanceAutoDeployUpdate | write | environment | input.environmentId:environment input.projectId:container:project input.serviceId:container:service
serviceInstanceDeploy | write | environment | environmentId:environment serviceId:container:service
serviceInstanceDeployV2 | write | environment | environmentId:environment serviceId:container:service
serviceInstanceLimitsUpdate | write | environment | input.environmentId:environment input.serviceId:container:service
serviceInstanceRedeploy | write | environment | environmentId:environment serviceId:container:service
serviceInstanceUpdate | write | environment | environmentId:environment serviceId:target:service
serviceInstanceVulnRemediationDismiss | write admin | environment | environmentId:environment serviceId:container:service
serviceInstanceVulnRemediationPatchNow | write | environment | environmentId:environment serviceId:container:service
serviceRemoveUpstreamUrl | write destructive | environment | id:target:service
serviceUpdate | write | environment | id:target:service
sessionDelete | write destructive admin | account
setServiceUnderAttackMode | write | environment | input.environmentId:environment input.serviceId:container:service
setupAgentEventTrack | write | account
sharedVariableConfigure | write | environment | input.environmentId:environment input.projectId:container:project input.disabledServiceIds:container:service input.enabledServiceIds:container:service | destructive if input.disabledServiceIds present
signalCreate | write | account
signalDefaultSet | write | account
signalDelete | write destructive | account
signalReplace | write destructive | account
signalRollback | write destructive | account
signalRuleSet | write | account
signalRuleUnset | write destructive | account
sshPublicKeyCreate | write admin | account
sshPublicKeyDelete | write destructive admin | account
sshSignupApprove | write admin | account
tcpProxyCreate | write | environment | input.environmentId:environment input.serviceId:container:service
tcpProxyDelete | write destructive | environment | id:target:tcpProxy
templateClone | write | account
templateDelete | write destructive | account
templateDeploy | write | environment | input.projectId:target:project input.environmentId:environment input.workspaceId:target:workspace input.services.id:none | admin if input.projectId absent
templateDeployV2 | write destructive | environment | input.projectId:target:project input.environmentId:environment input.existingRootServiceId:target:service input.workspaceId:target:workspace input.templateId:none | admin if input.projectId absent
templateGenerate | write secret | environment | input.projectId:target:project input.environmentId:environment
templatePublish | write admin | account
templateRevert | write destructive | environment | input.environmentId:environment input.projectId:container:project input.rootServiceId:container:service input.groupId:target:group
templateServiceSourceEject | write admin | account
templateUnpublish | write destructive | account
templateVolumeUpdate | write | account
trustedDomainCreate | write admin | account
trustedDomainDelete | write destructive admin | account
trustedDomainRetriggerVerification | write admin | account
trustedDomainUpdate | write admin | account
twoFactorInfoCreate | write secret admin | account
twoFactorInfoDelete | write destructive admin | account
twoFactorInfoSecret | write secret admin | account
twoFactorInfoValidate | write admin | account
updateServiceEdgeConfig | write | environment | input.environmentId:environment input.serviceId:container:service
updateServiceEdgeRules | write destructive | environment | input.environmentId:environment input.serviceId:container:service
upsertSlackChannel | write | account
usageLimitRemove | write destructive admin | account
usageLimitSet | write admin | account
userBetaLeave | write | account
userDelete | write destructive admin | account
userDiscordDisconnect | write destructive | account
userFlagsRemove | write admin | account
userFlagsSet | write admin | account
userProfileUpdate | write | account
userTermsUpdate | write admin | account
variableCollectionUpsert | write | environment | input.environmentId:environment input.projectId:container:project input.serviceId:container:service | destructive if input.replace not false
variableDelete | write destructive | environment | input.environmentId:environment input.projectId:container:project input.serviceId:container:service
variableUpsert | write | environment | input.environmentId:environment input.projectId:container:project input.serviceId:container:service
volumeCreate | write | environment | input.environmentId:environment input.projectId:container:project input.serviceId:container:service
volumeDelete | write destructive | environment | volumeId:target:volume
volumeInstanceBackupCreate | write | environment | volumeInstanceId:target:volumeInstance
volumeInstanceBackupDelete | write destructive | environment | volumeInstanceBackupId:target:backup volumeInstanceId:target:volumeInstance
volumeInstanceBackupLock | write | environment | volumeInstanceBackupId:target:backup volumeInstanceId:target:volumeInstance
volumeInstanceBackupRestore | write destructive | environment | volumeInstanceBackupId:target:backup volumeInstanceId:target:volumeInstance replicaServiceIds:target:service wipeServiceIds:target:service
volumeInstanceBackupScheduleUpdate | write destructive | environment | volumeInstanceId:target:volumeInstance
volumeInstancePITRRestore | write | environment | volumeInstanceId:target:volumeInstance
volumeInstanceUpdate | write | environment | volumeId:container:volume environmentId:environment input.serviceId:container:service | destructive if input.serviceId absent; destructive if input.state present
volumeUpdate | write | environment | volumeId:target:volume
webhookTest | write | account
workspaceDelete | write destructive admin | account
workspaceInviteCodeCreate | write secret admin | account
workspaceInviteCodeUse | write admin | account
workspaceLeave | write destructive admin | account
workspacePermissionChange | write admin | account
workspacePolicyDeploySourceAllowlistAdd | write admin | account
workspacePolicyDeploySourceAllowlistRemove | write destructive admin | account
workspacePolicyItemUpdate | write admin | account
workspaceTwoFactorEnforcementUpdate | write admin | account
workspaceUpdate | write admin | account
workspaceUpsertSlackChannel | write | account
workspaceUserInvite | write admin | account
workspaceUserRemove | write destructive admin | account
`
