import { describe, it } from 'vitest'
import { storeConformance } from '../../src/store/conformance/index.ts'
import { indexedDbStore } from '../../src/store/indexeddb.ts'

describe('the store in IndexedDB', () => {
  const cases = storeConformance({
    open: (name, options) => indexedDbStore({ name, ...options }),
    remove: name =>
      new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase(name)
        request.onsuccess = () => resolve()
        request.onerror = () => reject(request.error)
        request.onblocked = () => reject(new Error(`A connection to ${name} is still open.`))
      }),
  })
  it.each(cases)('$name', ({ run }) => run())
})
