import { expect } from 'vitest'
import { isFacewiseError } from '../../../src/errors.ts'

/** The message of the `MODEL_INVALID` that `read` throws. */
export function failure(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (!isFacewiseError(error)) throw error
    expect(error.code).toBe('MODEL_INVALID')
    return error.message
  }
  throw new Error('It was read.')
}
