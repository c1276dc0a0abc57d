/** Random SELECTs with a hole for an expression somewhere in them. Tables `t (a int, b text, j jsonb)` and `u` alike. */
import fc from 'fast-check'

type Wrap = (hole: string) => string

const expressions: readonly Wrap[] = [
  (hole) => `(${hole})::text`,
  (hole) => `cast(${hole} as text)`,
  (hole) => `lower((${hole})::text)`,
  (hole) => `coalesce(null, (${hole})::text, b)`,
  (hole) => `greatest((${hole})::text, 'x')`,
  (hole) => `nullif((${hole})::text, b)`,
  (hole) => `case when a > 1 then (${hole})::text else b end`,
  (hole) => `case (${hole})::text when 'x' then b end`,
  (hole) => `(select (${hole})::text)`,
  (hole) => `exists (select 1 from u where (${hole})::text = u.b)`,
  (hole) => `(array[(${hole})::text, b])[1]`,
  (hole) => `array(select (${hole})::text from u)`,
  (hole) => `row(a, ${hole})::text`,
  (hole) => `(${hole})::text || b`,
  (hole) => `((${hole})::text like 'x%' and not a > 2)`,
  (hole) => `(a, b) in (select u.a, (${hole})::text from u)`,
  (hole) => `(${hole})::text = any(array['x', b])`,
  (hole) => `(${hole})::text between 'a' and 'b'`,
  (hole) => `((${hole})::text is not distinct from b)`,
  (hole) => `((${hole})::text collate "C")`,
  (hole) => `((${hole}) is null)`,
  (hole) => `concat_ws(',', variadic array[(${hole})::text])`,
  (hole) => `substring((${hole})::text from 1 for 2)`,
  (hole) => `trim(both ' ' from (${hole})::text)`,
  (hole) => `extract(year from ((${hole})::text || '2020-01-01')::timestamp)`,
  (hole) => `overlay((${hole})::text placing b from 1)`,
  (hole) => `('{}'::jsonb #> array[(${hole})::text])`,
  (hole) => `make_interval(days => length((${hole})::text))`,
  (hole) => `jsonb_build_object('k', ${hole})`,
  (hole) => `((${hole})::text similar to b escape 'x')`,
]

const statements: readonly Wrap[] = [
  (hole) => `select ${hole} from t`,
  (hole) => `select distinct on ((${hole})::text) b from t`,
  (hole) => `select * from t where (${hole})::text = b`,
  (hole) => `select count(*) from t group by b having max((${hole})::text) > 'a'`,
  (hole) => `select count(*) from t group by grouping sets ((b), ((${hole})::text))`,
  (hole) => `select count(*) filter (where (${hole})::text = 'x') from t`,
  (hole) => `select string_agg(b, ',' order by (${hole})::text) from t`,
  (hole) => `select mode() within group (order by (${hole})::text) from t`,
  (hole) => `select rank() over (partition by (${hole})::text order by b) from t`,
  (hole) => `select sum(a) over w from t window w as (order by (${hole})::text)`,
  (hole) =>
    `select sum(a) over (rows between length((${hole})::text) preceding and current row) from t`,
  (hole) => `select b from t order by (${hole})::text desc nulls last`,
  (hole) => `select b from t limit length((select (${hole})::text from u limit 1))`,
  (hole) => `select b from t offset length((select (${hole})::text from u limit 1))`,
  (hole) => `select 1 from t join u on (${hole})::text = u.b`,
  (hole) => `select 1 from t left join lateral (select (${hole})::text) x on true`,
  (hole) => `select * from t, lateral string_to_table((${hole})::text, ',') s`,
  (hole) =>
    `select * from t, rows from (string_to_table((${hole})::text, ','), unnest(array[1])) with ordinality`,
  (hole) => `select * from t, jsonb_to_recordset(to_jsonb((${hole})::text)) as x(a int, b text)`,
  (hole) => `select * from t tablesample bernoulli (length((select (${hole})::text from t)))`,
  (hole) => `with c as materialized (select (${hole})::text from t) select * from c`,
  (hole) =>
    `with recursive r(n) as (select b from t union all select (${hole})::text from r, t where false) select * from r`,
  (hole) => `select b from t union select (${hole})::text from t`,
  (hole) => `(select b from t) except all (select (${hole})::text from t order by 1)`,
  (hole) => `select * from (values (1, 'x')) t(a, b) where (${hole})::text = b`,
  (hole) => `explain select ${hole} from t`,
  (hole) => `select 1; select ${hole} from t; table u`,
]

const wrapAll =
  (wraps: readonly Wrap[]): Wrap =>
  (hole) =>
    wraps.reduce((inner, wrap) => wrap(inner), hole)

/** A statement that takes what it is given as the innermost of up to four expressions. */
export const selectShape: fc.Arbitrary<Wrap> = fc
  .tuple(
    fc.array(fc.constantFrom(...expressions), { maxLength: 4 }),
    fc.constantFrom(...statements),
  )
  .map(([inner, outer]) => wrapAll([...inner, outer]))
