import { FACE_TEMPLATE, type FaceTemplate, type HeadPose } from '../../src/attributes/pose.ts'
import type { FivePoints } from '../../src/models/manifest.ts'

/** A turned template as a camera far away sees it, by a way of its own: three turns about the axes, one after the other. */
export function project(
  { yaw, pitch, roll }: HeadPose,
  scale = 40,
  [left, top] = [200, 150],
  template: FaceTemplate = FACE_TEMPLATE,
): FivePoints {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180
  const points = template.map(point => {
    let [x, y, z] = point
    const nod = radians(pitch)
    ;[y, z] = [y * Math.cos(nod) + z * Math.sin(nod), z * Math.cos(nod) - y * Math.sin(nod)]
    const turn = radians(yaw)
    ;[x, z] = [x * Math.cos(turn) - z * Math.sin(turn), z * Math.cos(turn) + x * Math.sin(turn)]
    const tilt = radians(roll)
    ;[x, y] = [x * Math.cos(tilt) - y * Math.sin(tilt), y * Math.cos(tilt) + x * Math.sin(tilt)]
    return [left + scale * x, top + scale * y] as const
  })
  return points as unknown as FivePoints
}

/** The five points of the mirrored picture, left and right as seen in it. */
export const mirrored = ([a, b, c, d, e]: FivePoints, width: number): FivePoints => {
  const flip = ([x, y]: readonly [number, number]): [number, number] => [width - x, y]
  return [flip(b), flip(a), flip(c), flip(e), flip(d)]
}
