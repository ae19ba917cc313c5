import type { Identity } from '../store.ts'

/** What the store is opened with, checked. */
export interface PostgresSettings {
  readonly schema: string
  readonly metric: 'cosine' | 'euclidean'
  readonly index: { readonly m: number; readonly efConstruction: number } | false
  readonly efSearch: number
}

/** pgvector's HNSW indexes vectors of up to so many numbers. */
const MAX_INDEXED = 2000
const VERSION = 1

/** Whole blocks are one statement, and so all or nothing, also through a client that knows no transactions. */
function locked(schema: string, body: string): string {
  return `DO $facewise$ BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('facewise'), hashtext('${schema}'));
    ${body}
  END $facewise$`
}

/** Makes the extension, the schema and the table that says what the store holds. Roles that may make none can use what is there. */
export function prepareSql(schema: string): string {
  return locked(
    schema,
    `IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') THEN CREATE EXTENSION IF NOT EXISTS vector; END IF;
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '${schema}') THEN CREATE SCHEMA "${schema}"; END IF;
    IF to_regclass('"${schema}".store') IS NULL THEN
      CREATE TABLE "${schema}".store (one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL, model text, dimension integer);
      INSERT INTO "${schema}".store (version) VALUES (${VERSION});
    END IF;`,
  )
}

/** Makes an identity the store's unless it has one, and the table for its vectors. `home` is the schema of pgvector. */
export function claimSql({ model, dimension }: Identity, settings: PostgresSettings, home: string): string {
  const { schema } = settings
  const table = `"${schema}".embeddings`
  // Hexadecimal, so that nothing in the name can be SQL.
  const hex = Array.from(new TextEncoder().encode(model), byte => byte.toString(16).padStart(2, '0')).join('')
  return locked(
    schema,
    `UPDATE "${schema}".store SET model = convert_from(decode('${hex}', 'hex'), 'UTF8'), dimension = ${dimension} WHERE model IS NULL;
    IF FOUND THEN
      CREATE TABLE ${table} (id text COLLATE "C" PRIMARY KEY, subject text COLLATE "C" NOT NULL, time bigint NOT NULL,
        metadata jsonb NOT NULL, embedding ${home}.vector(${dimension}) NOT NULL);
      CREATE INDEX embeddings_subject ON ${table} USING hash (subject);
      ${indexSql(settings, dimension, home)}
    END IF;`,
  )
}

/** Builds the index where it is missing. */
export function buildIndexSql(settings: PostgresSettings, dimension: number, home: string): string {
  return locked(settings.schema, indexSql(settings, dimension, home))
}

/** Whether this store is to have an index. */
export function isIndexed({ index }: PostgresSettings, dimension: number): boolean {
  return index !== false && dimension <= MAX_INDEXED
}

function indexSql(settings: PostgresSettings, dimension: number, home: string): string {
  const { schema, metric, index } = settings
  if (index === false || !isIndexed(settings, dimension)) return ''
  const operators = `${home}.vector_${metric === 'cosine' ? 'cosine' : 'l2'}_ops`
  return `CREATE INDEX IF NOT EXISTS embeddings_${metric} ON "${schema}".embeddings USING hnsw (embedding ${operators})
    WITH (m = ${index.m}, ef_construction = ${index.efConstruction});`
}

export const STORE_VERSION = VERSION
