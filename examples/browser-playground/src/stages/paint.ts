/** Draws what a step left over the picture. */
import type { Face } from 'facewise/detect'
import type { Painter } from '../picture-view.ts'
import type { LevelReport } from './cascade.ts'

/** Colours of the steps: from many and unsure to few and sure. They stand on photos, so they are the same in both themes. */
export const COLOURS: Readonly<Record<string, string>> = {
  pyramid: '#8fb8ff',
  windows: '#5aa9ff',
  suppressed: '#36c5d8',
  regressed: '#4fd19a',
  refined: '#ffd24a',
  output: '#ff7a45',
  landmarks: '#ff5d8f',
}

/** Above this, boxes are drawn faintly, or nothing else could be seen. */
const CROWD = 400

/** Boxes, over those that this step threw out; `marked` is one of them that is meant. */
export function paintBoxes(
  boxes: Float32Array,
  colour: string,
  dropped: Float32Array | undefined,
  marked: number,
): Painter {
  return (context, pixel) => {
    if (dropped)
      strokeAll(context, dropped, { colour: '#ffffff', width: pixel, alpha: dropped.length > CROWD * 4 ? 0.18 : 0.45 })
    const crowd = boxes.length > CROWD * 4
    // A dark line under the coloured one: it is seen on a bright picture as on a dark one.
    if (!crowd) strokeAll(context, boxes, { colour: '#000000', width: 4 * pixel, alpha: 0.45 })
    strokeAll(context, boxes, { colour, width: (crowd ? 1 : 2) * pixel, alpha: crowd ? 0.5 : 1 })
    if (marked < 0 || marked * 4 >= boxes.length) return
    const one = boxes.subarray(marked * 4, marked * 4 + 4)
    strokeAll(context, one, { colour: '#000000', width: 6 * pixel, alpha: 0.7 })
    strokeAll(context, one, { colour: '#ffffff', width: 3 * pixel, alpha: 1 })
  }
}

function strokeAll(
  context: CanvasRenderingContext2D,
  boxes: Float32Array,
  { colour, width, alpha }: { colour: string; width: number; alpha: number },
): void {
  context.globalAlpha = alpha
  context.strokeStyle = colour
  context.lineWidth = width
  context.beginPath()
  for (let k = 0; k < boxes.length; k += 4) context.rect(boxes[k], boxes[k + 1], boxes[k + 2], boxes[k + 3])
  context.stroke()
  context.globalAlpha = 1
}

/** Faces with their five points. */
export function paintLandmarks(faces: readonly Face[], boxes: Float32Array, marked: number): Painter {
  const below = paintBoxes(boxes, COLOURS.output, undefined, marked)
  return (context, pixel) => {
    below(context, pixel)
    for (const { box, landmarks } of faces) {
      const radius = Math.max(2 * pixel, Math.min(6 * pixel, box.width / 24))
      for (const [x, y] of landmarks ?? []) {
        context.beginPath()
        context.arc(x, y, radius, 0, 2 * Math.PI)
        context.fillStyle = COLOURS.landmarks
        context.fill()
        context.lineWidth = pixel
        context.strokeStyle = '#000000'
        context.stroke()
      }
    }
  }
}

/** Where the levels lie when they are shown beside each other, in pixels of the first. */
export interface PyramidLayout {
  readonly width: number
  readonly height: number
  readonly places: readonly { readonly x: number; readonly y: number }[]
}

/** The first level on the left, the others in columns right of it. */
export function layOut(levels: readonly LevelReport[]): PyramidLayout {
  const [first] = levels
  const gap = Math.ceil(first.width / 100)
  const places = [{ x: 0, y: 0 }]
  let [x, y, column, right] = [first.width + gap, 0, 0, first.width]
  for (const { width, height } of levels.slice(1)) {
    if (y > 0 && y + height > first.height) {
      x += column + gap
      y = 0
      column = 0
    }
    places.push({ x, y })
    y += height + gap
    column = Math.max(column, width)
    right = Math.max(right, x + width)
  }
  return { width: right, height: first.height, places }
}

/** The copies of the picture, and in each the window in which P-Net looks for a face. */
export function paintPyramid(levels: readonly LevelReport[], layout: PyramidLayout, image: CanvasImageSource): Painter {
  return (context, pixel) => {
    context.imageSmoothingQuality = 'high'
    levels.forEach(({ width, height }, i) => {
      const { x, y } = layout.places[i]
      context.drawImage(image, x, y, width, height)
      context.lineWidth = 2 * pixel
      context.strokeStyle = COLOURS.pyramid
      context.strokeRect(x + pixel, y + pixel, 12, 12)
    })
  }
}
