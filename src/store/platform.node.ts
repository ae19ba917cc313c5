export { openers } from './open.node.ts'
