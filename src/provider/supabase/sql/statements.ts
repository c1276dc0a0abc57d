/**
 * What each kind of statement does by being that statement, before anybody looks at what it calls or touches. A kind
 * that is not here is refused: a later version of PostgreSQL adds its own.
 */
import { isPlatformRelation, isPlatformSchema } from './relations.ts'
import { unbounded } from './functions.ts'
import { isHarmlessToSet, isSafeSetting } from './settings.ts'
import { isObject, listOf, namesOf, nodeAt, stringAt, unwrap } from './node.ts'
import type { Effect, JsonObject, JsonValue } from '../../../core/operation.ts'

type Rule = (node: JsonObject) => readonly Effect[]

const read: readonly Effect[] = ['read']
const write: readonly Effect[] = ['write']
const destructive: readonly Effect[] = ['write', 'destructive']
const admin: readonly Effect[] = ['write', 'admin']
const destructiveAdmin: readonly Effect[] = ['write', 'destructive', 'admin']

function kinds(names: string, effects: readonly Effect[]): [string, Rule][] {
  return names
    .trim()
    .split(/\s+/)
    .map((name) => [name, () => effects])
}

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  // EXPLAIN ANALYZE executes, and planning alone runs functions: either way it is what it explains.
  ...kinds('SelectStmt ExplainStmt', read),
  // It runs what its name says, which is not in this text; or it plants code that runs later, in another's name.
  ...kinds(
    `CreateFunctionStmt AlterFunctionStmt CreateTrigStmt RuleStmt DoStmt CallStmt ExecuteStmt CopyStmt LoadStmt DefineStmt
     CreateCastStmt CreateConversionStmt CreateTransformStmt CreateOpClassStmt CreateOpFamilyStmt AlterOpFamilyStmt
     CreateAmStmt CreatePLangStmt CreateRangeStmt AlterOperatorStmt AlterTypeStmt AlterObjectDependsStmt
     AlterTSDictionaryStmt AlterTSConfigurationStmt AlterCollationStmt CreateEventTrigStmt AlterEventTrigStmt
     CreateExtensionStmt AlterExtensionStmt AlterExtensionContentsStmt ReturnStmt`,
    unbounded,
  ),
  // Who may do what, which rows they see, where data flows to, how the server runs.
  ...kinds(
    `GrantStmt GrantRoleStmt AlterDefaultPrivilegesStmt CreateRoleStmt CreatePolicyStmt CreateForeignServerStmt
     CreateForeignTableStmt CreateFdwStmt CreateUserMappingStmt CreatePublicationStmt CreateSubscriptionStmt
     CreateTableSpaceStmt CreatedbStmt ImportForeignSchemaStmt SecLabelStmt CheckPointStmt`,
    admin,
  ),
  ...kinds(
    `AlterRoleStmt AlterRoleSetStmt DropRoleStmt AlterPolicyStmt AlterForeignServerStmt AlterFdwStmt
     AlterUserMappingStmt DropUserMappingStmt AlterPublicationStmt AlterSubscriptionStmt DropSubscriptionStmt
     DropTableSpaceStmt AlterTableSpaceOptionsStmt AlterTableMoveAllStmt AlterDatabaseStmt AlterDatabaseSetStmt
     AlterDatabaseRefreshCollStmt DropdbStmt AlterSystemStmt DropOwnedStmt ReassignOwnedStmt AlterOwnerStmt
     AlterObjectSchemaStmt`,
    destructiveAdmin,
  ),
  ...kinds('DeleteStmt TruncateStmt AlterSeqStmt AlterEnumStmt AlterDomainStmt', destructive),
  ...kinds(
    `InsertStmt CreateStmt IndexStmt CreateSeqStmt CreateStatsStmt AlterStatsStmt CreateEnumStmt CompositeTypeStmt
     CreateDomainStmt CreateTableAsStmt RefreshMatViewStmt CommentStmt VacuumStmt ClusterStmt ReindexStmt LockStmt
     ConstraintsSetStmt NotifyStmt ListenStmt UnlistenStmt DiscardStmt DeclareCursorStmt FetchStmt ClosePortalStmt
     PrepareStmt DeallocateStmt ReplicaIdentityStmt`,
    write,
  ),
  ['VariableShowStmt', ({ name }) => (isNamed(name, isSafeSetting) ? read : ['read', 'secret'])],
  [
    'VariableSetStmt',
    ({ kind, name }) => {
      // SET TRANSACTION and SET SESSION CHARACTERISTICS.
      if (kind === 'VAR_SET_MULTI') return write
      return isNamed(name, isHarmlessToSet) ? write : admin
    },
  ],
  [
    'TransactionStmt',
    // A prepared transaction may be another's.
    ({ kind }) => (isNamed(kind, (name) => name.includes('PREPARE')) ? destructiveAdmin : write),
  ],
  ['UpdateStmt', ({ whereClause }) => (isPinned(whereClause) ? write : destructive)],
  [
    'MergeStmt',
    ({ mergeWhenClauses }) =>
      listOf(mergeWhenClauses).every((clause) =>
        ['CMD_INSERT', 'CMD_NOTHING'].includes(
          stringAt(nodeAt(clause, 'MergeWhenClause'), 'commandType') ?? '',
        ),
      )
        ? write
        : destructive,
  ],
  ['CreateSchemaStmt', ({ authrole }) => (authrole === undefined ? write : admin)],
  ['ViewStmt', viewEffects],
  ['DropStmt', dropEffects],
  ['RenameStmt', ({ renameType }) => (isData(renameType) ? destructive : destructiveAdmin)],
  ['AlterTableStmt', alterTableEffects],
])

/** Undefined: no such statement is known. */
export function statementEffects(name: string, node: JsonObject): readonly Effect[] | undefined {
  const effects = rules.get(name)?.(node)
  if (effects === undefined || effects.includes('read')) return effects
  return writesToPlatform(node) ? [...effects, 'admin'] : effects
}

function isNamed(name: JsonValue | undefined, listed: (name: string) => boolean): boolean {
  return typeof name === 'string' && listed(name)
}

/**
 * Whether WHERE holds one column to one value, in a conjunction. `WHERE true`, `id = id` and `id > 0` are no less than
 * every row, and are how an agent would word that.
 */
function isPinned(where: JsonValue | undefined): boolean {
  if (where === undefined) return false
  const conjunction = nodeAt(where, 'BoolExpr')
  if (conjunction !== undefined)
    return conjunction['boolop'] === 'AND_EXPR' && listOf(conjunction['args']).some(isPinned)
  const comparison = nodeAt(where, 'A_Expr')
  if (comparison === undefined || namesOf(comparison['name']).join('.') !== '=') return false
  const { kind, lexpr, rexpr } = comparison
  if (kind === 'AEXPR_IN')
    return isColumn(lexpr) && listOf(nodeAt(rexpr, 'List')?.['items']).every(isValue)
  return (
    kind === 'AEXPR_OP' &&
    ((isColumn(lexpr) && isValue(rexpr)) || (isValue(lexpr) && isColumn(rexpr)))
  )
}

function isColumn(value: JsonValue | undefined): boolean {
  return nodeAt(value, 'ColumnRef') !== undefined
}

function isValue(value: JsonValue | undefined): boolean {
  const cast = nodeAt(value, 'TypeCast')
  if (cast !== undefined) return isValue(cast['arg'])
  return nodeAt(value, 'A_Const') !== undefined || nodeAt(value, 'ParamRef') !== undefined
}

/** Without `security_invoker` a view shows its reader what its owner sees, past row level security. */
function viewEffects({ replace, options }: JsonObject): readonly Effect[] {
  const invoker = listOf(options).some((option) => {
    const element = nodeAt(option, 'DefElem')
    if (element?.['defname'] !== 'security_invoker') return false
    return (
      element['arg'] === undefined || stringAt(nodeAt(element['arg'], 'String'), 'sval') === 'true'
    )
  })
  return [...(replace === true ? destructive : write), ...(invoker ? [] : admin)]
}

const dataObjects: ReadonlySet<string> = new Set(
  `TABLE COLUMN ATTRIBUTE VIEW MATVIEW INDEX SEQUENCE TYPE DOMAIN DOMCONSTRAINT TABCONSTRAINT COLLATION STATISTIC_EXT
  SCHEMA`
    .split(/\s+/)
    .map((name) => `OBJECT_${name}`),
)

/** Functions, triggers, policies, extensions, servers … decide what others may do or what runs. */
function isData(type: JsonValue | undefined): boolean {
  return typeof type === 'string' && dataObjects.has(type)
}

function dropEffects({ removeType, objects }: JsonObject): readonly Effect[] {
  const pending: JsonValue[] = [...listOf(objects)]
  let platform = false
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const name = stringAt(nodeAt(next, 'String'), 'sval')
    platform ||= name !== undefined && isPlatformSchema(name)
    if (name === undefined && typeof next === 'object' && next !== null)
      pending.push(...Object.values(next))
  }
  return isData(removeType) && !platform ? destructive : destructiveAdmin
}

const addingCommands: ReadonlySet<string> = new Set(
  `AddColumn AddConstraint AddIdentity ColumnDefault DropNotNull SetNotNull SetStatistics SetStorage SetCompression
  ValidateConstraint`
    .split(/\s+/)
    .map((name) => `AT_${name}`),
)
const losingCommands: ReadonlySet<string> = new Set(
  `AlterColumnType AlterConstraint AttachPartition ClusterOn DetachPartition DropCluster DropColumn DropConstraint
  DropExpression DropIdentity ReplicaIdentity SetExpression SetIdentity SetLogged SetUnLogged`
    .split(/\s+/)
    .map((name) => `AT_${name}`),
)

/** What is in neither list is an owner, row level security, a trigger, a rule, inheritance, an option of a view … */
function alterTableEffects({ cmds, objtype }: JsonObject): readonly Effect[] {
  if (!isData(objtype)) return destructiveAdmin
  return listOf(cmds).flatMap((command) => {
    const subtype = stringAt(nodeAt(command, 'AlterTableCmd'), 'subtype') ?? ''
    if (addingCommands.has(subtype)) return write
    return losingCommands.has(subtype) ? destructive : destructiveAdmin
  })
}

/** Whether what the statement itself changes belongs to the platform: a row in `auth.users` is a user. */
function writesToPlatform(node: JsonObject): boolean {
  const targets: (JsonValue | undefined)[] = [
    node['relation'],
    node['view'],
    node['sequence'],
    isObject(node['into']) ? node['into']['rel'] : undefined,
    ...listOf(node['relations']).map((wrapped) => unwrap(wrapped)?.node),
  ]
  return targets.some((target) => {
    const name = stringAt(target, 'relname')
    return name !== undefined && isPlatformRelation(stringAt(target, 'schemaname'), name)
  })
}
