/**
 * Operators and types of `pg_catalog`, by name. What is not here belongs to an extension or the user: an operator is a
 * call of a function, and a cast to a type or a domain may be one, so neither is taken for harmless.
 */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const operators = words(`
  !! !~ !~* !~~ !~~* # ## #- #> #>> % & && &< &<| &> |&> * *< *<= *<> *= *> *>= + - -> ->> -|- / < <-> << <<= <<| <=
  <> <@ <^ = > >= >> >>= >^ ? ?# ?& ?- ?-| ?| ?|| @ @-@ @> @? @@ @@@ ^ ^@ | |/ |>> || ||/ ~ ~* ~<=~ ~<~ ~= ~>=~ ~>~
  ~~ ~~*
`)

/** What the parser writes as the name of `BETWEEN`, which it turns into comparisons. */
const between = new Set(['BETWEEN', 'NOT BETWEEN', 'BETWEEN SYMMETRIC', 'NOT BETWEEN SYMMETRIC'])

const types = words(`
  bool bytea char name int8 int2 int4 text oid tid xid cid xid8 json jsonb jsonpath point lseg path box polygon line
  circle float4 float8 money macaddr macaddr8 inet cidr bpchar varchar date time timestamp timestamptz interval timetz
  bit varbit numeric uuid pg_lsn tsvector tsquery record aclitem
  int4range numrange tsrange tstzrange daterange int8range
  int4multirange nummultirange tsmultirange tstzmultirange datemultirange int8multirange
  regproc regprocedure regoper regoperator regclass regcollation regtype regrole regnamespace regconfig regdictionary
`)

export function isBuiltinOperator(name: readonly string[], kind: string | undefined): boolean {
  const plain = inCatalog(name)
  if (plain === undefined) return false
  return kind?.includes('BETWEEN') === true ? between.has(plain) : operators.has(plain)
}

export function isBuiltinType(name: readonly string[]): boolean {
  const plain = inCatalog(name)
  return plain !== undefined && types.has(plain)
}

/** Two handlers ship with PostgreSQL; another is a C function of an extension. */
export function isBuiltinSampling(name: readonly string[]): boolean {
  const plain = inCatalog(name)
  return plain === 'system' || plain === 'bernoulli'
}

/** A collation is data, but one outside of `pg_catalog` is not looked up under its bare name. */
export function isPlainCollation(name: readonly string[]): boolean {
  return inCatalog(name) !== undefined
}

/** The name without its schema; undefined in any other schema than `pg_catalog`. */
function inCatalog(name: readonly string[]): string | undefined {
  if (name.length === 1) return name[0]
  return name.length === 2 && name[0] === 'pg_catalog' ? name[1] : undefined
}
