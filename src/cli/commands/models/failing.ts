import { isFacewiseError } from '../../../errors.ts'

/** Whether an error means that the call was wrong, rather than that something failed. */
export function isUsage(error: unknown): boolean {
  return isFacewiseError(error) && error.code === 'INVALID_ARGUMENT'
}
