/** Shows the panel that the address names. Each is loaded when it is first shown. */
import { addressOf, currentPlace, PANELS, type PanelName } from './address.ts'
import type { Panel, StartPanel } from './panel.ts'
import { startPasting } from './pictures/drop.ts'
import { startTheme } from './theme.ts'

const starters: Record<PanelName, () => Promise<StartPanel>> = {
  stages: async () => (await import('./stages/panel.ts')).startStages,
  describe: async () => (await import('./describe/panel.ts')).startDescribe,
  compare: async () => (await import('./compare/panel.ts')).startCompare,
  group: async () => (await import('./group/panel.ts')).startGroup,
}
const started = new Map<PanelName, Promise<Panel>>()

async function show(): Promise<void> {
  const { panel, state } = currentPlace()
  for (const name of PANELS) {
    document.getElementById(name)!.hidden = name !== panel
    const link = document.querySelector(`nav a[data-panel="${name}"]`)!
    link.setAttribute('href', addressOf(name))
    if (name === panel) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  document.title = `${document.querySelector(`#${panel} h2`)?.textContent} - Facewise playground`
  const starting = started.get(panel) ?? starters[panel]().then(start => start(document.getElementById(panel)!))
  started.set(panel, starting)
  const ready = await starting
  ready.restore(state)
  document.getElementById(panel)!.dataset.ready = ''
}

startTheme(document.querySelector<HTMLElement>('[data-part="theme"]')!)
startPasting()
window.addEventListener('hashchange', () => void show())
void show()
