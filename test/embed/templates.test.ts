import { expect, test } from 'vitest'
import { ARCFACE_SIDE, ARCFACE_TEMPLATE, scaleTemplate } from '../../src/embed/templates.ts'

test('a template is scaled to another size, and about the middle', () => {
  const same = scaleTemplate(ARCFACE_TEMPLATE, ARCFACE_SIDE, ARCFACE_SIDE)
  for (const [i, [x, y]] of same.entries()) {
    expect(x).toBeCloseTo(ARCFACE_TEMPLATE[i][0], 9)
    expect(y).toBeCloseTo(ARCFACE_TEMPLATE[i][1], 9)
  }
  // 38.2946 is 17.7054 left of the middle: twice that in 224 pixels, half of which is 17.7054 left of 112.
  expect(scaleTemplate(ARCFACE_TEMPLATE, 112, 224)[0][0]).toBeCloseTo(112 - 2 * 17.7054, 9)
  expect(scaleTemplate(ARCFACE_TEMPLATE, 112, 224, 0.5)[0][0]).toBeCloseTo(112 - 17.7054, 9)
})
