/**
 * One pass over the whole tree of a statement, whatever it is made of: every object and every list, known or not. It
 * gathers what the statement does (`effects`) and what in it no reviewed read contains (`doubts`). Functions, tables
 * and types are found by the shape of their nodes, so that none hides below a node that nobody thought of.
 */
import {
  isBuiltinOperator,
  isBuiltinSampling,
  isBuiltinType,
  isPlainCollation,
} from './builtins.ts'
import { functionEffects, unbounded } from './functions.ts'
import { shapeOf } from './grammar.ts'
import { isObject, listOf, namesOf, nodeAt, stringAt, unwrap } from './node.ts'
import { holdsSecrets } from './relations.ts'
import { statementEffects } from './statements.ts'
import type { Effect, JsonObject, JsonValue } from '../../../core/operation.ts'

export type Findings = {
  /** Without `read`, which is what is left where there is nothing else. */
  readonly effects: Set<Effect>
  /** What it was that added each, for the log and for the agent; a few. */
  readonly reasons: string[]
  /** What no reviewed read contains; a few. */
  readonly doubts: string[]
  readonly unknownStatements: string[]
}

type Visit = {
  readonly value: JsonValue
  /**
   * The node that stands here bare; `node` for one under its name; `free` where reviewed reads do not reach: inside a
   * statement that writes anyhow, and below a doubt that was noted already.
   */
  readonly shape: string
}

const maxReasons = 5
/** Some twice what 100 KB of the smallest expressions there are come to. */
const maxNodes = 400_000

export function walk(statement: JsonValue): Findings | 'too_large' {
  const findings: Findings = { effects: new Set(), reasons: [], doubts: [], unknownStatements: [] }
  const scope: Scope = { functionTables: new Map(), opaque: false, columns: [] }
  const pending: Visit[] = [{ value: statement, shape: 'node' }]
  let nodes = 0
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (++nodes > maxNodes) return 'too_large'
    visit(next, pending, findings, scope)
  }
  judgeColumns(scope, findings)
  return findings
}

function visit({ value, shape }: Visit, pending: Visit[], findings: Findings, scope: Scope): void {
  if (Array.isArray(value)) {
    for (const item of value) pending.push({ value: item, shape })
    return
  }
  if (!isObject(value)) {
    if (shape !== 'free') doubt(findings, 'a value where a node is expected')
    return
  }
  const wrapped = shape === 'node' || shape === 'free' ? unwrap(value) : undefined
  if (wrapped !== undefined) {
    const writing = wrapped.name.endsWith('Stmt') && judgeStatement(wrapped, findings)
    judge(wrapped.name, wrapped.node, findings, scope)
    const bare = shape === 'free' || writing ? 'free' : wrapped.name
    pushFields(wrapped.node, wrapped.name, bare, pending, findings)
    return
  }
  // `node` with no name is the absent element of a list, or nothing that we know.
  if (shape === 'node' && Object.keys(value).length === 0) return
  judge(shape, value, findings, scope)
  pushFields(value, shape, shape, pending, findings)
}

function pushFields(
  node: JsonObject,
  name: string,
  shape: string,
  pending: Visit[],
  findings: Findings,
): void {
  const fields = shape === 'free' ? undefined : shapeOf(shape)
  if (shape !== 'free' && fields === undefined) doubt(findings, name)
  for (const [field, value] of Object.entries(node)) {
    // A foreign key's other table is named, not read.
    if (name === 'Constraint' && field === 'pktable') continue
    const kind = fields?.[field]
    const nested = typeof value === 'object' && value !== null
    if (fields !== undefined && (kind === undefined || (kind === 'scalar' && nested)))
      doubt(findings, `${name}.${field}`)
    if (kind !== undefined && kind !== 'scalar') pending.push({ value, shape: kind })
    else if (nested) pending.push({ value, shape: 'free' })
  }
}

/** Whether it is known to be more than a read, so that what it is made of needs no review as one. */
function judgeStatement(
  { name, node }: { readonly name: string; readonly node: JsonObject },
  findings: Findings,
): boolean {
  const effects = statementEffects(name, node)
  if (effects === undefined) findings.unknownStatements.push(name)
  else
    add(
      findings,
      effects.filter((effect) => effect !== 'read'),
      name,
    )
  return effects === undefined || effects.includes('write')
}

function judge(name: string, node: JsonObject, findings: Findings, scope: Scope): void {
  if (Array.isArray(node['funcname'])) judgeCall(namesOf(node['funcname']), node, findings)
  const relation = stringAt(node, 'relname')
  if (relation !== undefined && holdsSecrets(stringAt(node, 'schemaname'), relation))
    add(findings, ['secret'], `table ${relation}`)
  const operator = name === 'A_Expr' ? node['name'] : (node['operName'] ?? node['useOp'])
  if (operator !== undefined && !isBuiltinOperator(namesOf(operator), stringAt(node, 'kind')))
    add(findings, unbounded, `operator ${namesOf(operator).join('.')}`)
  switch (name) {
    case 'SelectStmt':
      // FOR UPDATE locks rows; INTO makes a table.
      if (node['intoClause'] !== undefined || node['lockingClause'] !== undefined)
        add(findings, ['write'], node['intoClause'] === undefined ? 'a lock' : 'INTO')
      return
    case 'TypeName':
      if (!isBuiltinType(namesOf(node['names'])))
        doubt(findings, `type ${namesOf(node['names']).join('.')}`)
      return
    case 'CollateClause':
      if (!isPlainCollation(namesOf(node['collname']))) doubt(findings, 'collation')
      return
    case 'RangeTableSample':
      if (!isBuiltinSampling(namesOf(node['method']))) add(findings, unbounded, 'sampling method')
      return
    case 'A_Indirection':
      // `(x).f` is a call of f(x) where x has no such field.
      for (const part of listOf(node['indirection'])) {
        const attribute = stringAt(nodeAt(part, 'String'), 'sval')
        if (attribute !== undefined) judgeAttribute(attribute, findings)
      }
      return
    case 'RangeFunction':
      noteFunctionTable(node, scope)
      return
    case 'ColumnRef':
      noteColumn(node, scope)
      return
    default:
  }
}

function judgeCall(name: readonly string[], node: JsonObject, findings: Findings): void {
  const constant = nodeAt(listOf(node['args'])[0], 'A_Const')
  const literal = stringAt(constant?.['sval'], 'sval')
  add(findings, functionEffects(name, literal), `function ${name.join('.')}`)
}

function judgeAttribute(name: string, findings: Findings): void {
  if (!rowFields.has(name)) add(findings, functionEffects([name], undefined), `attribute ${name}`)
}

/** Columns that the reviewed functions return; no function of `pg_catalog` has such a name. */
const rowFields: ReadonlySet<string> = new Set([
  'key',
  'value',
  'ordinality',
  'lexeme',
  'positions',
  'weights',
])

/**
 * `s.f` is a call of f(s) where s has no column f. A row can be handed to few functions, but where `s` is the result of
 * a function in FROM it is a plain value: `SELECT s.pg_read_file FROM lower('/etc/passwd') s` reads the file. So the
 * columns of such tables must be ones that the statement names, or reviewed as if they were called.
 */
type Scope = {
  readonly functionTables: Map<string, Set<string>>
  /** One has a name that the parser does not give. */
  opaque: boolean
  readonly columns: (readonly [table: string, column: string])[]
}

/**
 * Their one column is called as the table is. Not so where a function names its result: in
 * `json_array_elements_text(…) AS nextval` the column is `value`, and `nextval.nextval` is a call.
 */
export const columnIsAlias: ReadonlySet<string> = new Set(
  `generate_series generate_subscripts json_object_keys jsonb_object_keys jsonb_path_query regexp_split_to_table
  string_to_table unnest`.split(/\s+/),
)

function noteFunctionTable(node: JsonObject, scope: Scope): void {
  const calls = listOf(node['functions']).map((item) =>
    namesOf(nodeAt(listOf(nodeAt(item, 'List')?.['items'])[0], 'FuncCall')?.['funcname']).at(-1),
  )
  const alias = stringAt(node['alias'], 'aliasname') ?? calls[0]
  if (alias === undefined) {
    scope.opaque = true
    return
  }
  const named = isObject(node['alias']) ? namesOf(node['alias']['colnames']) : []
  const defined = listOf(node['coldeflist']).map(
    (item) => stringAt(nodeAt(item, 'ColumnDef'), 'colname') ?? '',
  )
  const listed = [...named, ...defined]
  const selfNamed = calls.length === 1 && columnIsAlias.has(calls[0] ?? '')
  const columns = new Set(listed.length === 0 && selfNamed ? [alias] : listed)
  // The same name in another scope, perhaps with other columns: which one is meant where is not worth knowing.
  const other = scope.functionTables.get(alias)
  scope.functionTables.set(
    alias,
    other === undefined ? columns : new Set([...columns].filter((column) => other.has(column))),
  )
}

function noteColumn(node: JsonObject, scope: Scope): void {
  const parts = listOf(node['fields'])
  if (parts.length < 2 || nodeAt(parts.at(-1), 'A_Star') !== undefined) return
  const [table = '', column = ''] = namesOf(parts.slice(-2))
  scope.columns.push([table, column])
}

function judgeColumns(scope: Scope, findings: Findings): void {
  for (const [table, column] of scope.columns) {
    const columns = scope.functionTables.get(table)
    const unnamed = columns !== undefined && !columns.has(column)
    // Of the functions that can be handed any row, those that change something are called so.
    if (scope.opaque || unnamed || column.startsWith('pg_')) judgeAttribute(column, findings)
  }
}

function add(findings: Findings, effects: readonly Effect[], reason: string): void {
  if (effects.length === 0) return
  for (const effect of effects) findings.effects.add(effect)
  note(findings.reasons, reason)
}

function doubt(findings: Findings, what: string): void {
  note(findings.doubts, what)
}

function note(list: string[], text: string): void {
  if (list.length < maxReasons) list.push(text.slice(0, 100))
}
