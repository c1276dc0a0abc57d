/**
 * The shape of a harmless read, in the parser's own terms: the nodes that may occur in one, and the fields that each
 * may have. A node or a field that is not here (a node of a later version, say) makes the statement something
 * other than a read; nothing hides in a field that nobody named. Names are those of PostgreSQL's parse nodes.
 *
 * Left out on purpose: the XML nodes, and the SQL/JSON ones (JSON_TABLE, JSON_VALUE …), which a server older than the
 * parser takes for calls of functions of that name, the user's own among them.
 */

/** `node`: a node under its own name, or a list of them; `scalar`; else the name of the node that stands there bare. */
type FieldShape = string
export type NodeShape = Readonly<Record<string, FieldShape>>

const shape = (text: string): NodeShape =>
  Object.assign(
    // A field may be called anything; `constructor` is none of these.
    Object.create(null) as Record<string, FieldShape>,
    Object.fromEntries(
      text
        .trim()
        .split(/\s+/)
        .filter((word) => word !== '')
        .map((word): [string, FieldShape] => {
          const [field = '', kind = 'scalar'] = word.split(':')
          return [field, kind]
        }),
    ),
  )

const shapes: ReadonlyMap<string, NodeShape> = new Map(
  Object.entries({
    SelectStmt: `distinctClause:node targetList:node fromClause:node whereClause:node groupClause:node groupDistinct
      havingClause:node windowClause:node valuesLists:node sortClause:node limitOffset:node limitCount:node limitOption
      withClause:WithClause op all larg:SelectStmt rarg:SelectStmt intoClause:IntoClause lockingClause:node`,
    IntoClause: 'rel:RangeVar colNames:node onCommit',
    LockingClause: 'lockedRels:node strength waitPolicy',
    WithClause: 'ctes:node recursive',
    CommonTableExpr: `ctename aliascolnames:node ctematerialized ctequery:node search_clause:CTESearchClause
      cycle_clause:CTECycleClause`,
    CTESearchClause: 'search_col_list:node search_breadth_first search_seq_column',
    CTECycleClause: `cycle_col_list:node cycle_mark_column cycle_mark_value:node cycle_mark_default:node
      cycle_path_column`,
    ResTarget: 'name val:node',
    ColumnRef: 'fields:node',
    A_Star: '',
    ParamRef: 'number',
    List: 'items:node',
    String: 'sval',
    Integer: 'ival',
    Float: 'fval',
    Boolean: 'boolval',
    BitString: 'bsval',
    A_Const: 'ival:Integer fval:Float boolval:Boolean sval:String bsval:BitString isnull',
    A_Expr: 'kind name:node lexpr:node rexpr:node rexpr_list_start rexpr_list_end',
    BoolExpr: 'boolop args:node',
    NullTest: 'arg:node nulltesttype argisrow',
    BooleanTest: 'arg:node booltesttype',
    SubLink: 'subLinkType subLinkId testexpr:node operName:node subselect:node',
    TypeCast: 'arg:node typeName:TypeName',
    TypeName: 'names:node typmods:node typemod arrayBounds:node',
    CollateClause: 'arg:node collname:node',
    FuncCall: `funcname:node args:node agg_order:node agg_filter:node over:WindowDef agg_within_group agg_star
      agg_distinct func_variadic funcformat`,
    NamedArgExpr: 'arg:node name argnumber',
    WindowDef: `name refname partitionClause:node orderClause:node frameOptions startOffset:node endOffset:node`,
    SortBy: 'node:node sortby_dir sortby_nulls useOp:node',
    CaseExpr: 'arg:node args:node defresult:node',
    CaseWhen: 'expr:node result:node',
    CoalesceExpr: 'args:node',
    MinMaxExpr: 'op args:node',
    RowExpr: 'args:node row_format',
    A_ArrayExpr: 'elements:node list_start list_end',
    A_Indirection: 'arg:node indirection:node',
    A_Indices: 'is_slice lidx:node uidx:node',
    SQLValueFunction: 'op typmod',
    GroupingFunc: 'args:node',
    GroupingSet: 'kind content:node',
    RangeVar: 'catalogname schemaname relname inh relpersistence alias:Alias',
    Alias: 'aliasname colnames:node',
    JoinExpr: `jointype isNatural larg:node rarg:node usingClause:node join_using_alias:Alias quals:node alias:Alias
      rtindex`,
    RangeSubselect: 'lateral subquery:node alias:Alias',
    RangeFunction: 'lateral ordinality is_rowsfrom functions:node alias:Alias coldeflist:node',
    ColumnDef: 'colname typeName:TypeName is_local',
    RangeTableSample: 'relation:node method:node args:node repeatable:node',
    ExplainStmt: 'query:node options:node',
    DefElem: 'defname arg:node defaction',
    VariableShowStmt: 'name',
  }).map(([name, text]) => [name, shape(`${text} location`)]),
)

/** The fields of a node that a read may have; undefined where no read has such a node. */
export function shapeOf(node: string): NodeShape | undefined {
  return shapes.get(node)
}
