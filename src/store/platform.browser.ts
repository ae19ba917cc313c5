export { openers } from './open.browser.ts'
