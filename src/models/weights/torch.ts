import { FacewiseError, isFacewiseError, messageOf } from '../../errors.ts'
import type { Weight } from '../graph.ts'
import { DTYPE_BYTES, type Dtype, readNumbers } from './dtype.ts'
import { PickleGlobal, readPickle } from './pickle.ts'
import { openZip, type ZipArchive } from './zip.ts'

/** The classes of PyTorch that hold numbers, and what these are. */
const STORAGES: Readonly<Record<string, Dtype>> = {
  'torch.HalfStorage': 'float16',
  'torch.BFloat16Storage': 'bfloat16',
  'torch.FloatStorage': 'float32',
  'torch.DoubleStorage': 'float64',
  'torch.CharStorage': 'int8',
  'torch.ByteStorage': 'uint8',
  'torch.ShortStorage': 'int16',
  'torch.IntStorage': 'int32',
  'torch.LongStorage': 'int64',
  'torch.BoolStorage': 'bool',
}

const ORDERED_DICT = 'collections.OrderedDict'
const TENSOR = 'torch._utils._rebuild_tensor_v2'
const PARAMETER = 'torch._utils._rebuild_parameter'
const GLOBALS: ReadonlySet<string> = new Set([ORDERED_DICT, TENSOR, PARAMETER, ...Object.keys(STORAGES)])

/** Where training loops put the weights in their checkpoints. */
const NESTED = ['state_dict', 'model_state_dict', 'model']

/** Of PyTorch too. */
const MOST_AXES = 64

/**
 * The most numbers that are given for each byte of the file. Tensors may share numbers or repeat them (tied weights, `expand`), and a
 * small file could so claim more than there is memory.
 */
const NUMBERS_PER_BYTE = 2

/** What a PyTorch file before version 1.6 begins with: a pickled magic number. */
const LEGACY = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]

class Tensor {
  constructor(
    readonly storage: StorageReference,
    readonly offset: number,
    readonly shape: number[],
    readonly strides: number[],
  ) {}
}

class StorageReference {
  constructor(
    readonly dtype: Dtype,
    readonly key: string,
    readonly count: number,
  ) {}
}

/**
 * Reads the tensors of a PyTorch file: what `torch.save(model.state_dict(), FILE)` wrote (PyTorch 1.6 and later, `.pt` or `.pth`), or a
 * checkpoint that has such a dictionary under `state_dict`, `model_state_dict` or `model`.
 *
 * No code in the file is run. Its pickle may build plain values and name `OrderedDict`, `_rebuild_tensor_v2`, `_rebuild_parameter` and the
 * classes of storages, and nothing else. Source of the format: `torch/serialization.py` and `torch/_utils.py`.
 *
 * All tensors come as float32, whatever they are stored as (float16, bfloat16, float32, float64, the integers and bool): float64 is
 * rounded, and so are integers beyond 2^24, which only counters like `num_batches_tracked` reach. What is no tensor is left out.
 *
 * @param bytes the whole file.
 * @returns the tensors by name, row-major, each with its own copy of its numbers; an object without prototype, whose keys are the file's.
 * @throws FacewiseError `MODEL_INVALID` for a file that is none of these, is damaged, or wants code to be run.
 */
export function readStateDict(bytes: Uint8Array): Record<string, Weight> {
  const archive = openTorch(bytes)
  const prefix = findPrefix(archive)
  const read = (name: string): Uint8Array => archive.read(prefix + name)
  if (archive.has(`${prefix}byteorder`) && new TextDecoder().decode(read('byteorder')).trim() !== 'little') {
    throw invalid('it was saved on a big-endian machine; save it again on another')
  }
  const root = readPickle(read('data.pkl'), { globals: GLOBALS, call, load })

  const tensors = findTensors(root)
  const result: Record<string, Weight> = Object.create(null)
  let numbers = 0
  for (const [name, tensor] of tensors) {
    const count = tensor.shape.reduce((a, b) => a * b, 1)
    numbers += count
    // Said so that not-a-number is refused as well.
    if (!(numbers <= NUMBERS_PER_BYTE * bytes.length)) {
      throw invalid(
        `its tensors claim more numbers than its ${bytes.length} bytes can mean (at "${name}", [${tensor.shape}])`,
      )
    }
    result[name] = { shape: tensor.shape, values: materialize(name, tensor, count, read(`data/${tensor.storage.key}`)) }
  }
  return result
}

function openTorch(bytes: Uint8Array): ZipArchive {
  if (LEGACY.every((byte, i) => bytes[i] === byte)) {
    throw invalid(
      'it is in the format of PyTorch before 1.6, which is no zip archive. Load it with PyTorch and save it again with torch.save',
    )
  }
  try {
    return openZip(bytes)
  } catch (error) {
    if (!isFacewiseError(error)) throw error
    throw new FacewiseError('MODEL_INVALID', `This is no file of PyTorch. ${messageOf(error)}`, { cause: error })
  }
}

/** Everything stands in one folder, which is called as the file was when it was written. */
function findPrefix(archive: ZipArchive): string {
  const pickles = archive.names.filter(name => /^[^/]*\/data\.pkl$/.test(name))
  if (pickles.length !== 1) throw invalid(`it holds ${pickles.length} files FOLDER/data.pkl instead of one`)
  const prefix = pickles[0].slice(0, -'data.pkl'.length)
  if (archive.has(`${prefix}constants.pkl`)) {
    throw invalid('it holds a TorchScript program, not weights. Save torch.jit.load(FILE).state_dict() with torch.save')
  }
  return prefix
}

/** What the functions of PyTorch would do. */
function call(name: string, args: readonly unknown[]): unknown {
  if (name === ORDERED_DICT && args.length === 0) return new Map()
  if (name === PARAMETER && args[0] instanceof Tensor) return args[0]
  if (name === TENSOR) {
    const [storage, offset, shape, strides, , , metadata] = args
    const plain = metadata === undefined || metadata === null || (metadata instanceof Map && metadata.size === 0)
    if (storage instanceof StorageReference && isSize(offset) && isSizes(shape) && isSizes(strides) && plain) {
      // Copies: what a pickle can reach, it can still change.
      if (shape.length === strides.length) return new Tensor(storage, offset, [...shape], [...strides])
    }
  }
  throw invalid(`it calls ${name} with arguments that PyTorch does not give it`)
}

function load(id: unknown): unknown {
  if (Array.isArray(id)) {
    const [kind, type, key, , count] = id
    const dtype = type instanceof PickleGlobal && Object.hasOwn(STORAGES, type.name) ? STORAGES[type.name] : undefined
    if (kind === 'storage' && dtype && typeof key === 'string' && isSize(count))
      return new StorageReference(dtype, key, count)
  }
  throw invalid('it refers to something outside its pickle that is no storage of a tensor')
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= MOST_AXES && value.every(isSize)

function findTensors(root: unknown): [string, Tensor][] {
  const nested = root instanceof Map ? NESTED.map(key => root.get(key)) : []
  for (const candidate of [root, ...nested]) {
    if (!(candidate instanceof Map)) continue
    const tensors = [...candidate].filter((entry): entry is [string, Tensor] => {
      return typeof entry[0] === 'string' && entry[1] instanceof Tensor
    })
    if (tensors.length > 0) return tensors
  }
  throw invalid(`it holds no dictionary of tensors, neither at its top nor under ${NESTED.join(', ')}`)
}

/** The numbers of a tensor in row-major order. */
function materialize(
  name: string,
  { storage, offset, shape, strides }: Tensor,
  count: number,
  bytes: Uint8Array,
): Float32Array {
  const size = DTYPE_BYTES[storage.dtype]
  if (bytes.length !== storage.count * size) {
    throw invalid(
      `the numbers of "${name}" have ${bytes.length} bytes; ${storage.count} of ${storage.dtype} were announced`,
    )
  }
  if (count === 0) return new Float32Array(0)
  const last = shape.reduce((sum, length, axis) => sum + (length - 1) * strides[axis], offset)
  if (last >= storage.count) {
    throw invalid(`"${name}" reaches to number ${last} of a storage that has ${storage.count}`)
  }
  if (isRowMajor(shape, strides))
    return readNumbers(bytes.subarray(offset * size, (offset + count) * size), storage.dtype)

  // Gathered first and read then: another tensor may use the rest of a large storage, which is not to be read for this one.
  const gathered = new Uint8Array(count * size)
  const index = shape.map(() => 0)
  let from = offset
  for (let to = 0; to < gathered.length; to += size) {
    for (let byte = 0; byte < size; byte++) gathered[to + byte] = bytes[from * size + byte]
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]
      if (++index[axis] < shape[axis]) break
      from -= strides[axis] * shape[axis]
      index[axis] = 0
    }
  }
  return readNumbers(gathered, storage.dtype)
}

/** Whether the numbers lie as they are wanted. The stride of an axis of length 1 means nothing. */
function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false
    expected *= shape[axis]
  }
  return true
}

function invalid(problem: string): FacewiseError {
  return new FacewiseError('MODEL_INVALID', `This file of PyTorch cannot be read: ${problem}.`)
}
