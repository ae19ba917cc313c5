/** What is added to every value that is written, or to the red, the green and the blue ones. */
export type Shift = number | readonly [red: number, green: number, blue: number]

/** The shift of each colour. */
export function shiftOf(shift: Shift): readonly [red: number, green: number, blue: number] {
  return typeof shift === 'number' ? [shift, shift, shift] : shift
}
