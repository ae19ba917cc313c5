export { readSnapshot, saveSnapshot } from './snapshot-file.browser.ts'
