import { FacewiseError } from '../errors.ts'

/** A weight by value: row-major numbers and their shape. */
export interface Weight {
  readonly shape: readonly number[]
  readonly values: Float32Array
}

/** A weight whose numbers are stored as bytes: a byte b stands for `b * scale + min`. */
export interface QuantisedWeight {
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
  readonly scale: number
  readonly min: number
}

/** The weights of a network by name. */
export type WeightMap = Readonly<Record<string, Weight>>

/** How the kernels of a network are stored; biases, slopes and factors stay float32. */
export type StoredDtype = 'float32' | 'float16' | 'uint8'

/** The weight by value, if it comes as bytes. */
export function plain(weight: Weight | QuantisedWeight): Weight {
  if (!('bytes' in weight)) return weight
  const { shape, bytes, scale, min } = weight
  return { shape, values: Float32Array.from(bytes, byte => byte * scale + min) }
}

/** One weight of a graph model; they lie in the weight files in this order. */
export interface WeightSpec {
  name: string
  shape: number[]
  dtype: 'float32' | 'int32'
  quantization?:
    | { dtype: 'float16'; original_dtype?: 'float32' }
    | { dtype: 'uint8' | 'uint16'; scale: number; min: number; original_dtype?: 'float32' }
}

/** The weight of that name. @throws FacewiseError `MODEL_INVALID`, with the name, if it is missing or has another shape. */
export function weightOf<T extends Weight | QuantisedWeight>(
  weights: Readonly<Record<string, T>>,
  name: string,
  shape: readonly number[],
): T {
  const weight = weights[name]
  if (!weight) throw new FacewiseError('MODEL_INVALID', `The weight "${name}" is missing.`)
  if (String(weight.shape) !== String(shape)) {
    throw new FacewiseError('MODEL_INVALID', `The weight "${name}" has shape [${weight.shape}] instead of [${shape}].`)
  }
  return weight
}
