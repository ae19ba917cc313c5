import type { Picture } from '../../../src/image/index.ts'

/** Where a flat picture is held before a camera. */
export interface Held {
  /** Degrees by which it is turned about its upright axis and its level one; as those of a head, over 0 to the right and up. */
  readonly yaw: number
  readonly pitch: number
  /** Its size: 1 shows a pixel of the picture as a pixel. */
  readonly zoom: number
  /** Pixels by which its middle is off the middle of the view. */
  readonly right?: number
  readonly down?: number
}

/**
 * A made picture: a real one as a flat print, seen by a pinhole camera. Bilinear; what is beside the print is grey.
 *
 * @param middle of the print about which it is turned, in its pixels; the camera looks there.
 * @param focal length in pixels of the view: about its width, as webcams have.
 */
export function viewPrint(
  print: Picture,
  middle: readonly [number, number],
  held: Held,
  width = 400,
  height = 300,
  focal = 420,
): Picture {
  const [sy, cy] = [Math.sin((held.yaw * Math.PI) / 180), Math.cos((held.yaw * Math.PI) / 180)]
  const [sp, cp] = [Math.sin((held.pitch * Math.PI) / 180), Math.cos((held.pitch * Math.PI) / 180)]
  // The print's axes and its normal in space: x to the right, y down, z away from the camera.
  const along = [cy, 0, sy]
  const down = [sy * sp, cp, -cy * sp]
  const normal = [-sy * cp, sp, cy * cp]
  const depth = focal / held.zoom
  const origin = [(held.right ?? 0) / held.zoom, (held.down ?? 0) / held.zoom, depth]
  const dot = (a: readonly number[], b: readonly number[]): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
  const plane = dot(normal, origin)
  const data = new Uint8Array(width * height * 3).fill(128)
  const stride = print.width * 3
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const ray = [(column + 0.5 - width / 2) / focal, (row + 0.5 - height / 2) / focal, 1]
      const far = plane / dot(normal, ray)
      const at = ray.map((value, k) => value * far - origin[k])
      const x = dot(along, at) + middle[0] - 0.5
      const y = dot(down, at) + middle[1] - 0.5
      if (!(far > 0 && x >= 0 && y >= 0 && x < print.width - 1 && y < print.height - 1)) continue
      const left = Math.floor(x)
      const top = Math.floor(y)
      const [u, v] = [x - left, y - top]
      for (let channel = 0; channel < 3; channel++) {
        const from = top * stride + left * 3 + channel
        const upper = (1 - u) * print.data[from] + u * print.data[from + 3]
        const lower = (1 - u) * print.data[from + stride] + u * print.data[from + stride + 3]
        data[(row * width + column) * 3 + channel] = Math.round((1 - v) * upper + v * lower)
      }
    }
  }
  return { data, width, height }
}

/** A print that is held still, swung to one side, back, to the other side and back: `degrees` about one axis, 80 ms a frame. */
export function swing(axis: 'yaw' | 'pitch', degrees: number, zoom: number): Held[] {
  const path = [
    ...Array.from({ length: 6 }, () => 0),
    ...ramp(0, degrees, 9),
    ...Array.from({ length: 4 }, () => degrees),
    ...ramp(degrees, 0, 9),
    ...Array.from({ length: 3 }, () => 0),
    ...ramp(0, -degrees, 9),
    ...Array.from({ length: 4 }, () => -degrees),
    ...ramp(-degrees, 0, 9),
    ...Array.from({ length: 3 }, () => 0),
  ]
  return path.map((angle, i) => ({
    yaw: axis === 'yaw' ? angle : 0,
    pitch: axis === 'pitch' ? angle : 0,
    zoom,
    // A hand is never still.
    right: 2 * Math.sin(i / 3),
    down: 1.5 * Math.cos(i / 4),
  }))
}

function ramp(from: number, to: number, frames: number): number[] {
  // Slow at both ends, as a hand is.
  return Array.from(
    { length: frames },
    (_, i) => from + ((to - from) * (1 - Math.cos((Math.PI * (i + 1)) / frames))) / 2,
  )
}
