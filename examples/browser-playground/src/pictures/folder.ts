/** The files of what was dropped, also those in folders below. */

/** What of a drop are files. Has to be called while the event is handled: after that the browser has forgotten what was dropped. */
export async function filesOf(data: DataTransfer): Promise<File[]> {
  const entries = [...data.items].map(item => item.webkitGetAsEntry()).filter(entry => entry !== null)
  // A picture dragged from a page is no entry.
  if (entries.length === 0) return [...data.files]
  return (await Promise.all(entries.map(filesBelow))).flat()
}

async function filesBelow(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))]
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const found: File[] = []
  for (;;) {
    // A hundred at a time; an empty list says that all have come.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (entries.length === 0) return found
    for (const below of entries) found.push(...(await filesBelow(below)))
  }
}

const ENDINGS = /\.(jpe?g|png|webp|gif|avif)$/i

/** Whether a file of a folder is meant: folders of photos also hold videos, lists and what programs leave. */
export function looksLikePicture({ name, type }: File): boolean {
  return !name.startsWith('.') && (ENDINGS.test(name) || /^image\/(jpeg|png|webp|gif|avif)$/.test(type))
}
