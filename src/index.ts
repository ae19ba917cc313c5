/**
 * Facewise: faces in photos and video, typed, for the browser and Node.
 *
 * This entry holds the types that all parts share and the class of error; the parts are `facewise/detect`, `facewise/embed`, `facewise/attributes`, `facewise/store`,
 * `facewise/image`, `facewise/models` and `facewise/backends`.
 *
 * @module
 */
export type { BackendName, BackendOptions, BackendReport, Engine } from './backends/index.ts'
export type { DetectOptions, Detector, Face, Landmarks } from './detect/detector.ts'
export { FacewiseError, type FacewiseErrorCode, isFacewiseError } from './errors.ts'
export type { DecodeOptions, ImageInput } from './image/input.ts'
export type { Box, Picture, RawPixels } from './image/picture.ts'
export type { LoadProgress, Manifest, ModelSource } from './models/index.ts'
