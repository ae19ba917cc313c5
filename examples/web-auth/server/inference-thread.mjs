// A thread that looks at faces. This file is only here because the example runs from the library's source: with `facewise` installed,
// leave it and the option `worker` of createFacewiseWorker out.
import { register } from 'tsx/esm/api'

register()
await import('../../../src/worker/worker-entry.ts')
