import { el } from '../dom.ts'

/** Puts a file into the person's downloads. */
export function saveFile(data: Blob, name: string): void {
  const address = URL.createObjectURL(data)
  el('a', { href: address, download: name }).click()
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}
