/** Zip archives of stored files, made by hand so that tests can break them. */

/** How an archive differs from a sound one. */
export interface ArchiveOptions {
  /** Numbers of the directory stand in zip64 records, as for archives of more than 4 GB. */
  readonly zip64?: boolean
  /** Compression method that the directory states; 0 is stored. */
  readonly method?: number
  readonly flags?: number
  /** Bytes before each file's contents, in the extra field of its local header; PyTorch aligns so. */
  readonly padding?: number
  readonly comment?: string
}

type Part = number[] | Uint8Array

const ascii = (text: string): number[] => Array.from(text, character => character.charCodeAt(0))
export const le = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 0xffn))

export function zip(
  files: readonly (readonly [name: string, bytes: Part])[],
  options: ArchiveOptions = {},
): Uint8Array {
  const { zip64 = false, method = 0, flags = 0, padding = 0, comment = '' } = options
  const parts: Part[] = []
  let length = 0
  const add = (...added: Part[]): void => {
    for (const part of added) {
      parts.push(part)
      length += part.length
    }
  }
  const directory: Part[] = []
  for (const [name, bytes] of files) {
    const offset = length
    add(
      [0x50, 0x4b, 3, 4],
      le(20, 2),
      le(flags, 2),
      le(method, 2),
      new Uint8Array(8),
      le(bytes.length, 4),
      le(bytes.length, 4),
    )
    add(le(name.length, 2), le(padding, 2), ascii(name), new Uint8Array(padding), bytes)
    const small = (value: number): number[] => le(zip64 ? 0xffffffff : value, 4)
    // A field of another kind before the one that counts, as programs add them.
    const extra = zip64
      ? [
          ...le(0x5455, 2),
          ...le(1, 2),
          7,
          ...le(1, 2),
          ...le(24, 2),
          ...[bytes.length, bytes.length, offset].flatMap(v => le(v, 8)),
        ]
      : []
    directory.push([
      ...[0x50, 0x4b, 1, 2],
      ...[20, 20, flags, method].flatMap(v => le(v, 2)),
      ...new Array(8).fill(0),
      ...small(bytes.length),
      ...small(bytes.length),
      ...[name.length, extra.length, 0, 0, 0].flatMap(v => le(v, 2)),
      ...le(0, 4),
      ...small(offset),
      ...ascii(name),
      ...extra,
    ])
  }
  const start = length
  add(...directory)
  const size = length - start
  if (zip64) {
    const record = length
    const count = le(files.length, 8)
    add([0x50, 0x4b, 6, 6], le(44, 8), le(45, 2), le(45, 2), le(0, 8), count, count, le(size, 8), le(start, 8))
    add([0x50, 0x4b, 6, 7], le(0, 4), le(record, 8), le(1, 4))
  }
  const count = le(zip64 ? 0xffff : files.length, 2)
  add([0x50, 0x4b, 5, 6], le(0, 4), count, count, le(zip64 ? 0xffffffff : size, 4), le(zip64 ? 0xffffffff : start, 4))
  add(le(comment.length, 2), ascii(comment))
  const archive = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    archive.set(part, at)
    at += part.length
  }
  return archive
}
