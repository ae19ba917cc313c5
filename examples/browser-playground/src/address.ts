/** The page's address: `#compare?fmr=0.001` is the panel that is shown, and what is set there. */

export const PANELS = ['stages', 'describe', 'compare', 'group'] as const
export type PanelName = (typeof PANELS)[number]

/** A panel that is shown, and what the address says of it. */
export interface Place {
  readonly panel: PanelName
  readonly state: URLSearchParams
}

export function currentPlace(): Place {
  const [name, query = ''] = location.hash.slice(1).split('?')
  return { panel: PANELS.find(panel => panel === name) ?? 'stages', state: new URLSearchParams(query) }
}

/** Where a link to a panel leads: back to how it was left. */
const left = new Map<PanelName, string>()

export function addressOf(panel: PanelName): string {
  const query = left.get(panel)
  return query ? `#${panel}?${query}` : `#${panel}`
}

/** Puts what is set in a panel into the address, without a step of the browser's history. */
export function remember(panel: PanelName, state: Readonly<Record<string, string | number>>): void {
  const query = new URLSearchParams(Object.entries(state).map(([key, value]) => [key, String(value)])).toString()
  left.set(panel, query)
  document.querySelector(`nav a[data-panel="${panel}"]`)?.setAttribute('href', addressOf(panel))
  if (currentPlace().panel === panel) history.replaceState(null, '', addressOf(panel))
}
