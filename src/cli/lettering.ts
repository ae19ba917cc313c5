/**
 * Digits, small letters and a few signs as pen strokes in a box 10 units high, baseline at the bottom; small letters begin at 3, tails
 * end at 13. A machine without fonts, as servers and containers often are, draws empty boxes for text; strokes look the same everywhere.
 */
const GLYPHS: Readonly<Record<string, { readonly width: number; readonly path: string }>> = {
  '0': { width: 6, path: 'M3 0C.7 0 0 2.4 0 5S.7 10 3 10 6 7.6 6 5 5.3 0 3 0Z' },
  '1': { width: 3, path: 'M0 2.2 3 0V10' },
  '2': { width: 6, path: 'M.2 2.6C.5.9 1.6 0 3.1 0 4.8 0 5.9 1.1 5.9 2.7 5.9 4.8 3.6 6.4 0 10H6' },
  '3': { width: 6, path: 'M.4 0H5.6L2.8 3.9C4.8 3.9 6 5.1 6 6.9 6 8.8 4.7 10 2.9 10 1.4 10 .4 9.2 0 8' },
  '4': { width: 6, path: 'M4.5 10V0L0 7.2H6' },
  '5': {
    width: 6,
    path: 'M5.5 0H1L.5 4.5C1.1 4 1.9 3.7 2.9 3.7 4.8 3.7 6 5 6 6.8 6 8.7 4.8 10 2.9 10 1.5 10 .4 9.3 0 8.2',
  },
  '6': {
    width: 6,
    path: 'M5.4 1.2C4.9.4 4.1 0 3.2 0 .9 0 0 2.6 0 5.8 0 8.6 1.1 10 3 10 4.8 10 6 8.7 6 6.9S4.8 3.9 3.1 3.9C1.5 3.9.3 5 0 6.5',
  },
  '7': { width: 6, path: 'M0 0H6L2.2 10' },
  '8': {
    width: 6,
    path: 'M3 4.6C1.4 4.6.5 3.6.5 2.3S1.4 0 3 0 5.5 1 5.5 2.3 4.6 4.6 3 4.6C1.2 4.6 0 5.7 0 7.3S1.2 10 3 10 6 8.9 6 7.3 4.8 4.6 3 4.6Z',
  },
  '9': {
    width: 6,
    path: 'M.6 8.8C1.1 9.6 1.9 10 2.8 10 5.1 10 6 7.4 6 4.2 6 1.4 4.9 0 3 0 1.2 0 0 1.3 0 3.1S1.2 6.1 2.9 6.1C4.5 6.1 5.7 5 6 3.5',
  },
  '.': { width: 0.4, path: 'M.2 9.8V10' },
  '%': {
    width: 9,
    path: 'M7.2 0 1.8 10M0 2.2C0 .8.7 0 1.8 0S3.6.8 3.6 2.2 2.9 4.4 1.8 4.4 0 3.6 0 2.2ZM5.4 7.8C5.4 6.4 6.1 5.6 7.2 5.6S9 6.4 9 7.8 8.3 10 7.2 10 5.4 9.2 5.4 7.8Z',
  },
  a: { width: 5.2, path: 'M5.2 3V10M5.2 6.5C5.2 4.4 4.2 3 2.7 3S0 4.5 0 6.5 1.2 10 2.7 10 5.2 8.6 5.2 6.5' },
  b: { width: 5.2, path: 'M0 0V10M0 6.5C0 4.4 1 3 2.5 3S5.2 4.5 5.2 6.5 4 10 2.5 10 0 8.6 0 6.5' },
  c: { width: 4.8, path: 'M4.8 4.3C4.3 3.5 3.6 3 2.7 3 1.2 3 0 4.5 0 6.5S1.2 10 2.7 10C3.6 10 4.3 9.5 4.8 8.7' },
  d: { width: 5.2, path: 'M5.2 0V10M5.2 6.5C5.2 4.4 4.2 3 2.7 3S0 4.5 0 6.5 1.2 10 2.7 10 5.2 8.6 5.2 6.5' },
  e: { width: 5.2, path: 'M0 6.3H5.2C5.2 4.3 4.2 3 2.6 3 1.1 3 0 4.4 0 6.5S1.1 10 2.8 10C3.8 10 4.6 9.6 5 8.9' },
  f: { width: 3.6, path: 'M3.6.1C3.3 0 3.1 0 2.8 0 1.8 0 1.3.7 1.3 1.8V10M0 3.4H3.4' },
  g: {
    width: 5.2,
    path: 'M5.2 3V10.6C5.2 12.2 4.2 13 2.6 13 1.6 13 .8 12.6.4 12M5.2 6.5C5.2 4.4 4.2 3 2.7 3S0 4.5 0 6.5 1.2 10 2.7 10 5.2 8.6 5.2 6.5',
  },
  h: { width: 4.8, path: 'M0 0V10M0 6C0 4.2 1 3 2.5 3S4.8 4 4.8 5.6V10' },
  i: { width: 0.4, path: 'M.2 3.4V10M.2.3V.5' },
  j: { width: 1.8, path: 'M1.6 3.4V11.2C1.6 12.4 1.1 13 0 13M1.6.3V.5' },
  k: { width: 4.8, path: 'M0 0V10M4.6 3 0 7.2M1.8 5.6 4.8 10' },
  l: { width: 0.4, path: 'M.2 0V10' },
  m: { width: 8, path: 'M0 3V10M0 5.8C0 4.1.8 3 2 3S4 3.9 4 5.4V10M4 5.8C4 4.1 4.8 3 6 3S8 3.9 8 5.4V10' },
  n: { width: 4.8, path: 'M0 3V10M0 6C0 4.2 1 3 2.5 3S4.8 4 4.8 5.6V10' },
  o: { width: 5.4, path: 'M2.7 3C1.2 3 0 4.5 0 6.5S1.2 10 2.7 10 5.4 8.5 5.4 6.5 4.2 3 2.7 3Z' },
  p: { width: 5.2, path: 'M0 3V13M0 6.5C0 4.4 1 3 2.5 3S5.2 4.5 5.2 6.5 4 10 2.5 10 0 8.6 0 6.5' },
  q: { width: 5.2, path: 'M5.2 3V13M5.2 6.5C5.2 4.4 4.2 3 2.7 3S0 4.5 0 6.5 1.2 10 2.7 10 5.2 8.6 5.2 6.5' },
  r: { width: 3.2, path: 'M0 3V10M0 6C0 4.2 1 3 2.4 3 2.8 3 3 3 3.2 3.1' },
  s: {
    width: 4.6,
    path: 'M4.3 4.2C3.9 3.4 3.2 3 2.3 3 1.1 3 .3 3.7.3 4.7.3 7 4.6 5.8 4.6 8.2 4.6 9.3 3.7 10 2.4 10 1.3 10 .5 9.5 0 8.7',
  },
  t: { width: 3.6, path: 'M1.3.8V8.2C1.3 9.4 1.8 10 2.7 10 3 10 3.3 10 3.6 9.8M0 3.4H3.4' },
  u: { width: 4.8, path: 'M4.8 3V10M4.8 7C4.8 8.8 3.8 10 2.3 10S0 9 0 7.4V3' },
  v: { width: 5, path: 'M0 3 2.5 10 5 3' },
  w: { width: 8, path: 'M0 3 2 10 4 3.4 6 10 8 3' },
  x: { width: 4.8, path: 'M0 3 4.8 10M4.8 3 0 10' },
  y: { width: 5.2, path: 'M0 3 2.6 9.8M5.2 3 2.4 10.8C1.8 12.4 1.2 13 0 13' },
  z: { width: 4.8, path: 'M.2 3H4.6L0 10H4.8' },
  ' ': { width: 1.2, path: '' },
  ',': { width: 0.8, path: 'M.8 9.8 0 12' },
  '-': { width: 3.4, path: 'M0 6.2H3.4' },
  '°': { width: 2.8, path: 'M1.4 0C.6 0 0 .6 0 1.4S.6 2.8 1.4 2.8 2.8 2.2 2.8 1.4 2.2 0 1.4 0Z' },
}

/** Space between two signs, and the pen's width, in the units of the box. */
const GAP = 2.4
const PEN = 1.5

/** Width of `text` in heights of its signs, pen included. */
export function textAspect(text: string): number {
  const widths = Array.from(text, sign => GLYPHS[sign].width)
  return (widths.reduce((a, b) => a + b, 0) + GAP * (widths.length - 1) + PEN) / (10 + PEN)
}

/** `text` as SVG, its top left corner at (x, y), `height` pixels high from the top of a digit to the line; tails hang under it. */
export function drawText(text: string, x: number, y: number, height: number, colour: string): string {
  const scale = height / (10 + PEN)
  let at = 0
  const strokes = Array.from(text, sign => {
    const { width, path } = GLYPHS[sign]
    const stroke = `<path transform="translate(${at.toFixed(2)})" d="${path}"/>`
    at += width + GAP
    return stroke
  })
  const origin = `translate(${(x + (scale * PEN) / 2).toFixed(2)} ${(y + (scale * PEN) / 2).toFixed(2)})`
  return (
    `<g transform="${origin} scale(${scale.toFixed(4)})" fill="none" stroke="${colour}" stroke-width="${PEN}" ` +
    `stroke-linecap="round" stroke-linejoin="round">${strokes.join('')}</g>`
  )
}
