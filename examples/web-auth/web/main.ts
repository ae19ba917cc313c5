/** Starts the page: asks who is here, then shows what the address names. */
import { api, Refused } from './api.ts'
import { el } from './dom.ts'
import { showNavigation } from './parts/navigation.ts'
import { problemPanel } from './parts/problem.ts'
import { startRouter } from './router.ts'

const main = document.getElementById('main')!
document.getElementById('skip')!.addEventListener('click', () => main.focus())

async function start(): Promise<void> {
  try {
    await api.session()
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    main.replaceChildren(
      el('h1', { class: 'hidden' }, 'Porch'),
      problemPanel(error, { again: () => location.reload() }),
    )
    return
  }
  showNavigation()
  await startRouter({
    '': async () => (await import('./pages/home.ts')).home,
    'sign-up': async () => (await import('./pages/sign-up.ts')).signUp,
    'log-in': async () => (await import('./pages/log-in.ts')).logIn,
    face: async () => (await import('./pages/face.ts')).face,
    who: async () => (await import('./pages/who.ts')).who,
    live: async () => (await import('./pages/live.ts')).live,
    account: async () => (await import('./pages/account.ts')).account,
  })
}

void start()
