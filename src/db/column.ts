/** What several tables have columns of. */
import type { ColumnType } from 'kysely'

/** jsonb: read as what it is, written as text. */
export type Json<T> = ColumnType<T, string, string>

/** The database writes it, once. */
export type CreatedAt = ColumnType<Date, never, never>
