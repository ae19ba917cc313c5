/**
 * Any picture in, RGB pixels out; resizing, cropping and warping as plain functions on typed arrays.
 *
 * @module
 */
export { FacewiseError, type FacewiseErrorCode, isFacewiseError } from '../errors.ts'
export { type CropTarget, cropArea } from './crop.ts'
export { type CropEdge, cropBox } from './crop-box.ts'
export { decode } from './decode.ts'
export { type BrowserImage, DEFAULT_MAX_PIXELS, type DecodeOptions, type ImageInput } from './input.ts'
export { type AreaSampler, areaSampler, type Grid, type IntegralImage, type Integrate } from './integral.ts'
export { type Box, fromRawPixels, isRawPixels, type Picture, type RawPixels } from './picture.ts'
export { type Region, type ResizeTarget, resizeArea, resizeAreaAll } from './resize.ts'
export type { Shift } from './shift.ts'
export { applySimilarity, estimateSimilarity, type Point, type Similarity, warpSimilarity } from './warp.ts'
