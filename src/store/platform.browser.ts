export { openers } from './open.browser.ts'
export { readSnapshot, saveSnapshot } from './snapshot-file.browser.ts'
