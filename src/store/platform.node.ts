export { openers } from './open.node.ts'
export { readSnapshot, saveSnapshot } from './snapshot-file.node.ts'
