import { FacewiseError } from '../../errors.ts'
import type { Metric } from '../../metrics.ts'
import type { Candidate, NearestQuery, StoreDriver } from '../driver.ts'
import type { FaceRecord, Identity } from '../store.ts'
import type { PostgresClient } from './client.ts'
import { codeOf, explain } from './explain.ts'
import { type Bind, conditionOf } from './filter.ts'
import { buildIndexSql, claimSql, isIndexed, type PostgresSettings, prepareSql, STORE_VERSION } from './schema.ts'

type Row = Readonly<Record<string, string | null>>

/** pgvector's largest `hnsw.ef_search`. */
const MAX_EF = 1000
const ATTEMPTS = 5

/** Every call is one statement, so that it needs no transaction of the client. */
export class PostgresDriver implements StoreDriver {
  readonly capabilities
  readonly explain = explain
  private held?: Identity
  /** The quoted schema of pgvector's types and operators, which need not be on the search path. */
  private home = ''
  private iterates = false

  constructor(
    private readonly client: PostgresClient,
    private readonly end: () => Promise<void>,
    private readonly settings: PostgresSettings,
  ) {
    const exact = settings.index === false
    this.capabilities = { name: 'postgres', durable: true, shared: true, atomicUpsert: true, exact }
  }

  async identity(): Promise<Identity | undefined> {
    await this.prepare()
    return this.readIdentity()
  }

  async claim(identity: Identity): Promise<Identity> {
    await this.prepare()
    await this.query(claimSql(identity, this.settings, this.home))
    return (await this.readIdentity()) as Identity
  }

  async upsert(records: readonly FaceRecord[]): Promise<void> {
    const json = JSON.stringify(
      records.map(({ id, subject, vector, time, metadata }) => ({
        id,
        subject,
        time,
        metadata,
        vector: textOf(vector),
      })),
    )
    // One parameter, of text: every client passes it on as it is. In the order of ids, so that two writers never wait for each other.
    await this.query(
      `INSERT INTO ${this.table} (id, subject, time, metadata, embedding)
       SELECT id, subject, time, metadata, vector::${this.home}.vector
       FROM json_to_recordset($1::text::json) AS r (id text, subject text, time bigint, metadata jsonb, vector text)
       ORDER BY id COLLATE "C"
       ON CONFLICT (id) DO UPDATE SET subject = excluded.subject, time = excluded.time, metadata = excluded.metadata,
         embedding = excluded.embedding`,
      [json],
    )
  }

  async get(id: string): Promise<FaceRecord | undefined> {
    if (!(await this.holds())) return undefined
    const rows = await this.query(`SELECT ${this.columns} FROM ${this.table} WHERE id = $1`, [id])
    return rows.length > 0 ? this.record(rows[0]) : undefined
  }

  async delete(which: { readonly ids: readonly string[] } | { readonly subject: string }): Promise<number> {
    if (!(await this.holds())) return 0
    const [condition, value] =
      'ids' in which
        ? ['id IN (SELECT json_array_elements_text($1::text::json))', JSON.stringify(which.ids)]
        : ['subject = $1', which.subject]
    const rows = await this.query(
      `WITH gone AS (DELETE FROM ${this.table} WHERE id IN
         (SELECT id FROM ${this.table} WHERE ${condition} ORDER BY id FOR UPDATE) RETURNING 1)
       SELECT count(*)::text AS count FROM gone`,
      [value],
    )
    return Number(rows[0].count)
  }

  async page(o: Parameters<StoreDriver['page']>[0]): Promise<FaceRecord[]> {
    if (!(await this.holds())) return []
    const { params, bind } = parameters()
    const conditions = ['true']
    if (o.subject !== undefined) conditions.push(`subject = ${bind(o.subject)}`)
    if (o.after !== undefined) conditions.push(`id > ${bind(o.after)}`)
    const rows = await this.query(
      `SELECT ${this.columns} FROM ${this.table} WHERE ${conditions.join(' AND ')} ORDER BY id LIMIT ${o.limit}`,
      params,
    )
    return rows.map(row => this.record(row))
  }

  async nearest(query: Float32Array, o: NearestQuery): Promise<Candidate[]> {
    const indexed = this.held && isIndexed(this.settings, this.held.dimension)
    const fits = (o.metric === 'cosine') === (this.settings.metric === 'cosine')
    // A subject has few records, which their own index finds. Older releases of pgvector stop after ef_search candidates.
    const approximate =
      indexed && fits && o.subject === undefined && (this.iterates || (o.where.length === 0 && o.limit <= MAX_EF))
    if (approximate) {
      const found = await this.search(query, o, true)
      // Fewer may mean that the index gave up, so that everything is looked at.
      if (found.length >= o.limit) return found
    }
    return this.search(query, o, false)
  }

  async count({ subject }: { subject?: string }): Promise<number> {
    if (!(await this.holds())) return 0
    const [condition, params] = subject === undefined ? ['true', []] : ['subject = $1', [subject]]
    const rows = await this.query(`SELECT count(*)::text AS count FROM ${this.table} WHERE ${condition}`, params)
    return Number(rows[0].count)
  }

  async close(): Promise<void> {
    await this.end()
  }

  private get table(): string {
    return `"${this.settings.schema}".embeddings`
  }

  /** All as text, which every client gives alike; vectors as their bytes, to the bit. */
  private get columns(): string {
    return `id, subject, time::text AS time, metadata::text AS metadata, encode(${this.home}.vector_send(embedding), 'base64') AS vector`
  }

  private async search(query: Float32Array, o: NearestQuery, approximate: boolean): Promise<FaceRecord[]> {
    const { params, bind } = parameters()
    const far = `embedding OPERATOR(${this.home}.${o.metric === 'cosine' ? '<=>' : '<->'}) ${bind(textOf(query))}::${this.home}.vector`
    const conditions = o.where.map(clause => conditionOf(clause, bind))
    if (o.subject !== undefined) conditions.push(`subject = ${bind(o.subject)}`)
    if (approximate) {
      // Settings for this statement alone: a subquery that is evaluated once, before the scan begins.
      const ef = Math.min(MAX_EF, Math.max(this.settings.efSearch, o.limit))
      conditions.push(`(SELECT set_config('hnsw.ef_search', '${ef}', true)) IS NOT NULL`)
      if (this.iterates) conditions.push(`(SELECT set_config('hnsw.iterative_scan', 'strict_order', true)) IS NOT NULL`)
    } else if (o.within !== undefined) {
      conditions.push(`${far} <= ${bind(String(within(o.within, o.metric)))}::text::float8`)
    }
    // A sum is no expression of the index, so that it is not used.
    const order = approximate ? far : `(${far}) + 0, id`
    const rows = await this.query(
      `SELECT ${this.columns} FROM ${this.table} WHERE ${conditions.join(' AND ') || 'true'} ORDER BY ${order} LIMIT ${o.limit}`,
      params,
    )
    return rows.map(row => this.record(row))
  }

  /** Makes what is missing, once. */
  private async prepare(): Promise<void> {
    if (this.home) return
    const { schema } = this.settings
    const look = async (): Promise<Row> =>
      (
        await this.query(
          `SELECT current_setting('server_encoding') AS encoding, to_regclass($1)::text AS store,
             (SELECT quote_ident(nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'vector') AS home,
             (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS vector`,
          [`"${schema}".store`],
        )
      )[0]
    let state = await look()
    if (state.encoding !== 'UTF8') {
      throw new FacewiseError(
        'STORE_FAILED',
        `The database is in ${state.encoding}: make one with CREATE DATABASE ... ENCODING 'UTF8'.`,
      )
    }
    if (state.store === null || state.home === null) {
      await this.query(prepareSql(schema))
      state = await look()
    }
    const [major, minor] = String(state.vector).split('.').map(Number)
    this.iterates = major > 0 || minor >= 8
    this.home = String(state.home)
  }

  private async readIdentity(): Promise<Identity | undefined> {
    const [row] = await this.query(
      `SELECT version::text AS version, model, dimension::text AS dimension, to_regclass($1)::text AS index
       FROM "${this.settings.schema}".store`,
      [`"${this.settings.schema}".embeddings_${this.settings.metric}`],
    )
    if (Number(row?.version) !== STORE_VERSION) {
      throw new FacewiseError(
        'STORE_FAILED',
        `The schema ${this.settings.schema} has version ${row?.version}; this release knows ${STORE_VERSION}: update facewise.`,
      )
    }
    if (row.model === null) return undefined
    const identity = { model: row.model, dimension: Number(row.dimension) }
    if (row.index === null && isIndexed(this.settings, identity.dimension)) {
      await this.query(buildIndexSql(this.settings, identity.dimension, this.home))
    }
    this.held = identity
    return identity
  }

  /** Whether anything was ever stored, by this store or meanwhile by another process. */
  private async holds(): Promise<boolean> {
    return (this.held ?? (await this.identity())) !== undefined
  }

  private record(row: Row): FaceRecord {
    return {
      id: row.id as string,
      subject: row.subject as string,
      vector: vectorOf(row.vector as string),
      model: (this.held as Identity).model,
      time: Number(row.time),
      metadata: JSON.parse(row.metadata as string),
    }
  }

  /** Runs a statement; again if the server gave it up for another's sake. */
  private async query(sql: string, params: unknown[] = []): Promise<Row[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.client.query(sql, params)).rows as Row[]
      } catch (error) {
        if (attempt === ATTEMPTS || !['40P01', '40001'].includes(codeOf(error))) throw error
        await new Promise(resolve => setTimeout(resolve, Math.random() * 20 * 2 ** attempt))
      }
    }
  }
}

function parameters(): { params: unknown[]; bind: Bind } {
  const params: unknown[] = []
  return { params, bind: value => `$${params.push(value)}` }
}

/** Nine digits give every float32 back. */
function textOf(vector: Float32Array): string {
  return `[${Array.from(vector, value => value.toPrecision(9)).join(',')}]`
}

/** pgvector sends two numbers of 16 bits, the dimension and 0, then float32, all big-endian. */
function vectorOf(base64: string): Float32Array {
  const bytes = Uint8Array.from(atob(base64), character => character.charCodeAt(0))
  const view = new DataView(bytes.buffer)
  return Float32Array.from({ length: (bytes.length - 4) / 4 }, (_, i) => view.getFloat32(4 + i * 4))
}

/** The bound in the metric that pgvector computes. */
function within(bound: number, metric: Metric): number {
  return metric === 'squared-euclidean' ? Math.sqrt(bound) : bound
}
