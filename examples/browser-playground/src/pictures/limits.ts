/** Pixels of a picture that is taken in; a larger one is refused before it is decoded. A decoded one takes three bytes a pixel, several times. */
export const MAX_PIXELS = 50_000_000
