export { readSnapshot, saveSnapshot } from './snapshot-file.node.ts'
