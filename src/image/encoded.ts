import { FacewiseError, messageOf, throwIfAborted } from '../errors.ts'

/** Downloads a picture, with an error that says what went wrong. @internal */
export async function fetchPicture(
  address: string,
  signal: AbortSignal | undefined,
): Promise<{ bytes: Uint8Array; name: string }> {
  const name = address.startsWith('data:') ? 'The data: address' : `"${address}"`
  let response: Response
  try {
    response = await fetch(address, { signal })
    if (response.ok) return { bytes: new Uint8Array(await response.arrayBuffer()), name }
  } catch (error) {
    throwIfAborted(signal)
    throw new FacewiseError(
      'IMAGE_NOT_FOUND',
      `${name} cannot be fetched: ${messageOf(error)}. Check the address, and CORS.`,
      {
        cause: error,
      },
    )
  }
  throw new FacewiseError('IMAGE_NOT_FOUND', `${name} answered with status ${response.status}. Check the address.`)
}

/** @internal */
export function rejectEmpty(bytes: Uint8Array, name: string): void {
  if (bytes.length === 0) throw new FacewiseError('IMAGE_UNREADABLE', `${name} is empty (0 bytes).`)
}

/** @internal */
export function unsupportedInput(hint: string): FacewiseError {
  return new FacewiseError('IMAGE_UNSUPPORTED', `This kind of value is not a picture here. ${hint}`)
}
