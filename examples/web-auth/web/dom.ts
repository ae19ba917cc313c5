/** Elements in one expression. Text is always text: nothing here reads HTML. */
export type Child = Node | string | false | undefined

export type Attributes = Readonly<Record<string, string | number | boolean | ((event: Event) => void) | undefined>>

/**
 * An element. Functions listen to the event that they are named after (`onclick`); `true` is an attribute without a value, `false` and
 * `undefined` none.
 */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value)
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...children.filter(child => child !== false && child !== undefined))
  return element
}

const SVG = 'http://www.w3.org/2000/svg'

/** An element of a drawing. */
export function svg(
  tag: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Element[]
): SVGElement {
  const element = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/** One of the drawings of `index.html`, for the eye alone. */
export function icon(name: string, classes = ''): SVGElement {
  return svg(
    'svg',
    { class: `icon ${classes}`.trim(), 'aria-hidden': 'true', focusable: 'false' },
    svg('use', { href: `#i-${name}` }),
  )
}

/** A button. */
export function button(text: string, classes: string, onclick: () => void): HTMLButtonElement {
  return el('button', { type: 'button', class: classes, onclick }, text)
}

/** Waits, or rejects with the signal's reason. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    signal.addEventListener('abort', stop, { once: true })
  })
}
