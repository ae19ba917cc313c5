/**
 * The WebAssembly that the detector uses beside TensorFlow.js. It has no allocator: every function is told where its data lie.
 * Addresses under 1024 are its own.
 */
export { quantise } from './arithmetic.as'
export { integrate, sampleRow } from './integral.as'
export { conv, maxPool } from './layers.as'
export { pnetBegin, pnetPush, pnetWeights, pnetWeightsEnd } from './pnet.as'
