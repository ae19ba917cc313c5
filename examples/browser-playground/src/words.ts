/** What went wrong, for the person before the screen: what it is, and what to do. */
import { isFacewiseError } from 'facewise/detect'

/** Whether a call ended because it was told to. */
export function isAbort(error: unknown): boolean {
  return isFacewiseError(error)
    ? error.code === 'ABORTED'
    : error instanceof DOMException && error.name === 'AbortError'
}

/** A sentence or two on an error. @param name of the picture that it is about. */
export function inWords(error: unknown, name?: string): string {
  const what = name ? `"${name}"` : 'This'
  if (!isFacewiseError(error)) {
    return `Something went wrong: ${error instanceof Error ? error.message : String(error)} Reload the page and try again.`
  }
  switch (error.code) {
    case 'IMAGE_UNREADABLE':
      return `${what} is no picture that this browser can read. Choose a JPEG, PNG, WebP, GIF or AVIF; if it is one, the file is damaged.`
    case 'IMAGE_TOO_LARGE':
      return `${what} is too large: ${error.message.replace(/,? or raise `maxPixels`/, '')}`
    case 'WORKER_LOST':
    case 'BACKEND_UNAVAILABLE':
    case 'MODEL_NOT_FOUND':
      return `${error.message} Reload the page; if that does not help, try another browser.`
    default:
      return error.message
  }
}
