/** The links at the top: those that make sense for who is here. */
import { api } from '../api.ts'
import { button, el } from '../dom.ts'
import { currentPage, goTo, linkTo, type PageName } from '../router.ts'
import { currentSession, onSession } from '../session.ts'

const LINKS: Readonly<Record<'in' | 'out', readonly (readonly [PageName, string])[]>> = {
  out: [
    ['live', 'Live'],
    ['log-in', 'Log in'],
    ['sign-up', 'Sign up'],
  ],
  in: [
    ['who', 'Who is this'],
    ['live', 'Live'],
    ['account', 'Account'],
  ],
}

/** Keeps the links as they should be, whatever happens to the session. */
export function showNavigation(): void {
  onSession(show)
  document.addEventListener('page', show)
}

function show(): void {
  const isIn = currentSession().stage === 'full'
  const page = currentPage()
  const links = LINKS[isIn ? 'in' : 'out'].map(([name, text]) =>
    el('a', { href: linkTo(name), 'aria-current': name === page ? 'page' : undefined }, text),
  )
  const nav = document.getElementById('nav')!
  nav.replaceChildren(...links)
  if (isIn) nav.append(button('Log out', 'link', () => void logOut()))
}

/** Ends this session, or all of this account, and shows the start page. The page is loaded anew, so that nothing of the person stays in it. */
export async function logOut(everywhere = false): Promise<void> {
  try {
    await api.logOut(everywhere)
  } finally {
    goTo('')
    location.reload()
  }
}
