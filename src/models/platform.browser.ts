import type { Engine } from '../backends/index.ts'
import { FacewiseError } from '../errors.ts'
import type { NetworkParts } from './batch-messages.ts'
import { addressSource, type ModelSource, urlSource } from './source.ts'
import type { NetworkCopy } from './spread.ts'

/**
 * The addresses of the packaged files. Written out one by one: this is the form that bundlers follow to copy a file and to put in
 * its address. Without a bundler they lie in the package's folder.
 */
const addresses: Readonly<Record<string, Readonly<Record<string, URL>>>> = {
  mtcnn: {
    'pnet.graph.json': new URL('../../models/mtcnn/pnet.graph.json', import.meta.url),
    'pnet.bin': new URL('../../models/mtcnn/pnet.bin', import.meta.url),
    'rnet.graph.json': new URL('../../models/mtcnn/rnet.graph.json', import.meta.url),
    'rnet.bin': new URL('../../models/mtcnn/rnet.bin', import.meta.url),
    'onet.graph.json': new URL('../../models/mtcnn/onet.graph.json', import.meta.url),
    'onet.bin': new URL('../../models/mtcnn/onet.bin', import.meta.url),
  },
  'dlib-resnet-128': {
    'embedding.graph.json': new URL('../../models/dlib-resnet-128/embedding.graph.json', import.meta.url),
    'embedding.1of2.bin': new URL('../../models/dlib-resnet-128/embedding.1of2.bin', import.meta.url),
    'embedding.2of2.bin': new URL('../../models/dlib-resnet-128/embedding.2of2.bin', import.meta.url),
  },
  'emotion-mini-xception': {
    'emotion.graph.json': new URL('../../models/emotion-mini-xception/emotion.graph.json', import.meta.url),
    'emotion.bin': new URL('../../models/emotion-mini-xception/emotion.bin', import.meta.url),
  },
  'age-gender-tiny-xception': {
    'age-gender.graph.json': new URL('../../models/age-gender-tiny-xception/age-gender.graph.json', import.meta.url),
    'age-gender.bin': new URL('../../models/age-gender-tiny-xception/age-gender.bin', import.meta.url),
  },
  antispoof: {
    'antispoof.graph.json': new URL('../../models/antispoof/antispoof.graph.json', import.meta.url),
    'antispoof.bin': new URL('../../models/antispoof/antispoof.bin', import.meta.url),
  },
  livenessnet: {
    'liveness.graph.json': new URL('../../models/livenessnet/liveness.graph.json', import.meta.url),
    'liveness.bin': new URL('../../models/livenessnet/liveness.bin', import.meta.url),
  },
}

/** The files of a packaged model, where the bundler put them. */
export function packagedSource(model: string): ModelSource {
  return addressSource(path => {
    const address = addresses[model]?.[path]
    if (!address) throw new FacewiseError('MODEL_NOT_FOUND', `The package has no file "${path}" of a model "${model}".`)
    return address.href
  })
}

/** @throws FacewiseError always: a browser has no folders. */
export function directorySource(folder: string): ModelSource {
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    `A browser cannot read the folder ${folder}; give an address instead (urlSource).`,
  )
}

/** The source that a string or URL means: an address, relative to the page. */
export function sourceAt(place: string | URL): ModelSource {
  return urlSource(place)
}

/** None: in browsers one operation runs on several threads, where there are any. */
export async function copyNetwork(_engine: Engine, _parts: NetworkParts): Promise<NetworkCopy[]> {
  return []
}
