/** The groups: a row of faces for each person. */
import { count, el } from '../dom.ts'
import type { FoundFace } from './reader.ts'

/** Rows of faces, filled again whenever the groups change. */
export interface Rows {
  /** @param groups indices into `faces`, the largest group first. */
  show(faces: readonly FoundFace[], groups: readonly (readonly number[])[]): void
}

/** @param onOpen is called with the photos of a group and which of them was clicked. */
export function createRows(
  place: HTMLElement,
  onOpen: (title: string, of: readonly FoundFace[], at: number) => void,
): Rows {
  /** A button of each face; it goes from row to row. */
  const buttons = new Map<FoundFace, HTMLButtonElement>()
  const where = new WeakMap<HTMLButtonElement, { title: string; group: readonly FoundFace[]; at: number }>()

  const buttonOf = (found: FoundFace): HTMLButtonElement => {
    const known = buttons.get(found)
    if (known) return known
    found.crop.setAttribute('aria-hidden', 'true')
    const button = el('button', { type: 'button', className: 'face' }, found.crop)
    button.addEventListener('click', () => {
      const { title, group, at } = where.get(button)!
      onOpen(title, group, at)
    })
    buttons.set(found, button)
    return button
  }
  const row = (title: string, group: readonly FoundFace[]): HTMLElement => {
    const photos = new Set(group.map(({ file }) => file)).size
    const faces = group.map((found, at) => {
      const button = buttonOf(found)
      where.set(button, { title, group, at })
      button.setAttribute('aria-label', `${title}, face ${at + 1} of ${group.length}: ${found.file.name}`)
      return el('li', {}, button)
    })
    const element = el(
      'section',
      { className: 'person', 'aria-label': title },
      el('h3', { textContent: title }),
      el('p', { className: 'hint', textContent: `${count(group.length, 'face')} in ${count(photos, 'photo')}` }),
      el('ul', { className: 'faces' }, ...faces),
    )
    element.dataset.count = String(group.length)
    return element
  }
  return {
    show(faces, groups) {
      if (faces.length === 0) buttons.clear()
      const several = groups.filter(({ length }) => length > 1)
      const once = groups.filter(({ length }) => length === 1).flat()
      place.replaceChildren(
        ...several.map((group, i) =>
          row(
            `Person ${i + 1}`,
            group.map(at => faces[at]),
          ),
        ),
        ...(once.length > 0
          ? [
              row(
                'Seen once',
                once.map(at => faces[at]),
              ),
            ]
          : []),
      )
    },
  }
}
