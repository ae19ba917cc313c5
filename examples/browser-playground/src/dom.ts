/** Elements, made in one call. */

type Child = Node | string | false | undefined

/** Makes an element with properties (`className`, `textContent`, ...), attributes where a name has a dash or is `role`, and children. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Record<string, unknown> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue
    if (name.includes('-') || name === 'role') element.setAttribute(name, String(value))
    else (element as unknown as Record<string, unknown>)[name] = value
  }
  element.append(...children.filter((child): child is Node | string => Boolean(child) || child === ''))
  return element
}

/** The element that the page's HTML has for this. */
export function part<T extends HTMLElement = HTMLElement>(root: ParentNode, name: string): T {
  const found = root.querySelector<T>(`[data-part="${name}"]`)
  if (!found) throw new Error(`The page has no part "${name}".`)
  return found
}

/** `1 face`, `2 faces`. */
export function count(number: number, one: string, several = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : several}`
}

/** Milliseconds, or seconds where they are many. */
export function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`
}
