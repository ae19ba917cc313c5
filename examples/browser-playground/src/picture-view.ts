/** A picture with a drawing over it: the picture is the browser's own `<img>`, the drawing a canvas of the screen's pixels. */
import { el } from './dom.ts'

/** Draws in pixels of the picture; `pixel` is the size of a pixel of the screen in them, for lines of even width. */
export type Painter = (context: CanvasRenderingContext2D, pixel: number) => void

export interface PictureView {
  readonly element: HTMLElement
  /** Shows a picture. @throws DOMException if the browser cannot read it. */
  show(picture: Blob, name: string): Promise<void>
  /** Draws over it, and again when the size changes. @param size of what is drawn on, where it is another picture than the one shown. */
  draw(painter: Painter, size?: { readonly width: number; readonly height: number }): void
  /** Says what the drawing shows, for those who do not see it. */
  describe(words: string): void
  /** Calls back with a place in the picture, or nothing when the pointer leaves. */
  onPoint(listener: (at: { x: number; y: number } | undefined) => void): void
  /** Lets go of the picture and of the space that it takes on the page. */
  close(): void
  /** The picture, for painters. */
  readonly image: HTMLImageElement
}

export function createPictureView(): PictureView {
  const image = el('img', { alt: '' })
  const canvas = el('canvas', { role: 'img', 'aria-label': 'Nothing is drawn yet' })
  const element = el('div', { className: 'picture-view' }, image, canvas)
  let painter: Painter = () => {}
  let drawn: { readonly width: number; readonly height: number } | undefined
  let address = ''

  const size = (): { width: number; height: number } =>
    drawn ?? { width: image.naturalWidth || 1, height: image.naturalHeight || 1 }
  const paint = (): void => {
    const { width, height } = size()
    element.style.setProperty('--ratio', String(width / height))
    const shown = canvas.clientWidth
    if (shown === 0) return
    canvas.width = Math.round(shown * devicePixelRatio)
    canvas.height = Math.round((canvas.width * height) / width)
    const context = canvas.getContext('2d')!
    context.scale(canvas.width / width, canvas.width / width)
    painter(context, width / shown)
  }
  const observer = new ResizeObserver(paint)
  observer.observe(canvas)
  return {
    element,
    image,
    async show(picture, name) {
      const next = URL.createObjectURL(picture)
      const before = address
      address = next
      image.src = next
      image.alt = name
      try {
        await image.decode()
      } finally {
        if (before) URL.revokeObjectURL(before)
      }
    },
    draw(next, of) {
      painter = next
      drawn = of
      element.classList.toggle('covered', of !== undefined)
      canvas.style.aspectRatio = of ? `${of.width} / ${of.height}` : ''
      paint()
    },
    close() {
      observer.disconnect()
      if (address) URL.revokeObjectURL(address)
      element.remove()
    },
    describe(words) {
      canvas.setAttribute('aria-label', words)
    },
    onPoint(listener) {
      canvas.addEventListener('pointermove', ({ offsetX, offsetY }) => {
        const scale = size().width / canvas.clientWidth
        listener({ x: offsetX * scale, y: offsetY * scale })
      })
      canvas.addEventListener('pointerleave', () => listener(undefined))
    },
  }
}

/** The smallest box at a place: of boxes inside each other, the one that can be meant. @returns its index, or -1. */
export function boxAt(boxes: Float32Array, { x, y }: { readonly x: number; readonly y: number }): number {
  let best = -1
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i * 4 < boxes.length; i++) {
    const [left, top, width, height] = boxes.subarray(i * 4, i * 4 + 4)
    if (x < left || y < top || x > left + width || y > top + height || width * height >= least) continue
    least = width * height
    best = i
  }
  return best
}
