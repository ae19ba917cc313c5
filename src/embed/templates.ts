import type { FivePoints } from '../models/manifest.ts'

/**
 * Where ArcFace's five points lie in its 112x112 input (Deng, Guo, Xue, Zafeiriou: "ArcFace: Additive Angular Margin Loss for Deep Face
 * Recognition", CVPR 2019, in the authors' insightface): left eye, right eye, nose, left and right mouth corner.
 */
export const ARCFACE_TEMPLATE: FivePoints = [
  [38.2946, 51.6963],
  [73.5318, 51.5014],
  [56.0252, 71.7366],
  [41.5493, 92.3655],
  [70.7299, 92.2041],
]

/** Side of the square that {@link ARCFACE_TEMPLATE} is for. */
export const ARCFACE_SIDE = 112

/**
 * A template for an input of another size.
 *
 * @param side of the square input that `template` is for, and `newSide` of the wanted one.
 * @param factor of the face's size about the middle: under 1 more of its surroundings is seen.
 */
export function scaleTemplate(template: FivePoints, side: number, newSide: number, factor = 1): FivePoints {
  const scale = (value: number): number => newSide / 2 + (value - side / 2) * (newSide / side) * factor
  const [a, b, c, d, e] = template.map(([x, y]) => [scale(x), scale(y)] as const)
  return [a, b, c, d, e]
}
