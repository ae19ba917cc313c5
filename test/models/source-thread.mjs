// A thread that runs the source: Node's worker threads do not inherit what reads TypeScript.
import { register } from 'tsx/esm/api'

register()
await import('../../src/models/batch-thread.node.ts')
