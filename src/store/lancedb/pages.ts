import type { FaceRecord } from '../store.ts'

interface PageOptions {
  readonly subject?: string
  readonly after?: string
  readonly limit: number
}

/** Where pages are read from. */
interface PageSource {
  readonly dimension: number
  /** Another number after each change. */
  version(): Promise<number>
  /** The first records by id. */
  read(o: PageOptions): Promise<FaceRecord[]>
}

/** Records read ahead at most, and numbers of their vectors: 16 MB. */
const MOST_RECORDS = 16_384
const MOST_NUMBERS = 4_000_000

/**
 * Reads pages in the order of ids. Each read looks at all ids of the table, so a list that goes on is read ahead, four times as far
 * each time, as long as nothing changes.
 */
export class PageReader {
  private ahead?: {
    readonly subject?: string
    readonly version: number
    readonly size: number
    /** The id that the next page comes after. */
    last?: string
    rest: FaceRecord[]
    /** Whether nothing comes after `rest`. */
    readonly complete: boolean
  }

  async page({ subject, after, limit }: PageOptions, source: PageSource): Promise<FaceRecord[]> {
    const version = await source.version()
    const { ahead } = this
    const goesOn =
      ahead !== undefined &&
      after !== undefined &&
      ahead.subject === subject &&
      ahead.version === version &&
      ahead.last === after
    if (goesOn && (ahead.rest.length >= limit || ahead.complete)) {
      const page = ahead.rest.slice(0, limit)
      ahead.rest = ahead.rest.slice(limit)
      ahead.last = page.at(-1)?.id
      return page
    }
    const most = Math.min(MOST_RECORDS, Math.ceil(MOST_NUMBERS / source.dimension))
    const size = goesOn ? Math.max(limit, Math.min(ahead.size * 4, most)) : limit
    const records = await source.read({ subject, after, limit: size })
    const page = records.slice(0, limit)
    const rest = records.slice(limit)
    this.ahead = { subject, version, size, last: page.at(-1)?.id, rest, complete: records.length < size }
    return page
  }
}
