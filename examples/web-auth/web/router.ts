/** Which page the address names, and moving between pages: the old one is told to stop, focus goes to the new one's heading. */
import { currentSession } from './session.ts'

/** A page of the app. */
export interface Page {
  readonly title: string
  /** For whom it is; anybody by default. Others are led elsewhere. */
  readonly for?: 'logged-in' | 'logged-out'
  /** Fills `root`. `signal` fires when the page is left: cameras and requests end with it. */
  show(root: HTMLElement, signal: AbortSignal): void | Promise<void>
}

export type PageName = '' | 'sign-up' | 'log-in' | 'face' | 'who' | 'live' | 'account'

/** The link to a page. */
export const linkTo = (name: PageName): string => `#/${name}`

let pages: Readonly<Record<PageName, () => Promise<Page>>>
let leaving = new AbortController()
let first = true

/** Shows pages from now on. */
export async function startRouter(all: typeof pages): Promise<void> {
  pages = all
  window.addEventListener('hashchange', () => void show())
  await show()
}

/** Goes to a page, anew if it is shown already. */
export function goTo(name: PageName): void {
  if (location.hash === linkTo(name)) void show()
  else location.hash = linkTo(name)
}

/** The page that the address names. */
export function currentPage(): PageName {
  const name = location.hash.replace(/^#\/?/, '') as PageName
  return name in pages ? name : ''
}

async function show(): Promise<void> {
  leaving.abort()
  const controller = new AbortController()
  leaving = controller
  const page = await pages[currentPage()]()
  if (controller.signal.aborted) return
  const isIn = currentSession().stage === 'full'
  if (page.for === 'logged-in' && !isIn) return goTo('log-in')
  if (page.for === 'logged-out' && isIn) return goTo('')
  const main = document.getElementById('main')!
  const root = document.createElement('div')
  root.className = `page page-${currentPage() || 'home'}`
  document.title = page.title === 'Porch' ? page.title : `${page.title} - Porch`
  main.replaceChildren(root)
  document.dispatchEvent(new CustomEvent('page'))
  await page.show(root, controller.signal)
  if (controller.signal.aborted) return
  window.scrollTo(0, 0)
  // On the very first page the browser's own place is right.
  if (!first) focusHeading(root)
  first = false
  root.dataset.ready = ''
}

/** Tells those who do not see it that the page is another one. */
export function focusHeading(root: HTMLElement): void {
  const heading = root.querySelector<HTMLElement>('h1, h2')
  if (!heading) return
  heading.tabIndex = -1
  heading.focus({ preventScroll: true })
}
