import type { Command } from 'commander'
import { startBackend } from '../backends/index.ts'
import { createMtcnn, type Face, type Mtcnn } from '../detect/index.ts'
import { createEmbedder, DEFAULT_EMBEDDER, type Embedder, type Embedding } from '../embed/index.ts'
import type { Picture } from '../image/index.ts'
import { affectsAll } from './failure.ts'
import { addDetectorOptions, type DetectorDefaults, type DetectorOptions, detectorSettings } from './options.ts'

/** The options of every command that recognises faces. */
export interface RecogniserOptions extends DetectorOptions {
  readonly embedder?: string
  readonly aligned?: boolean
}

/** Adds them. */
export function addRecogniserOptions(command: Command, defaults: DetectorDefaults): Command {
  return addDetectorOptions(command, defaults)
    .option(
      '--embedder <name>',
      `the model: a name (see \`facewise models list\`), or a folder or address with a manifest.json (default: ${DEFAULT_EMBEDDER})`,
    )
    .option('--aligned', 'the pictures are aligned crops already, one face each: none is looked for')
}

/** A face of a picture with its embedding. */
export interface RecognisedFace {
  readonly face: Face
  readonly embedding: Embedding
}

/** Finds and embeds faces; the networks are loaded when the first picture needs them. */
export interface Recogniser {
  /** @param choose which of the faces that were found are to be embedded. */
  recognise(picture: Picture, choose: (faces: readonly Face[]) => Face[]): Promise<RecognisedFace[]>
  embedder(): Promise<Embedder>
  /** Whether `error` is why no picture can be looked at: the fault of no single one. */
  stoppedBy(error: unknown): boolean
  dispose(): void
}

/** Where a model is, if `--embedder` gives a folder or an address in place of a name. */
export function placeOf(name: string): { source: string } | undefined {
  return /[/\\]|^\.+$/.test(name) ? { source: name } : undefined
}

/** A recogniser as the command line asks for it. */
export function createRecogniser(options: RecogniserOptions, defaults: DetectorDefaults): Recogniser {
  const settings = detectorSettings(options, defaults)
  let started: Promise<{ embedder: Embedder; detector: Mtcnn | undefined }> | undefined
  let failure: unknown
  let disposed = false
  const start = async (): Promise<{ embedder: Embedder; detector: Mtcnn | undefined }> => {
    const backend = await startBackend(settings.backend && 'prefer' in settings.backend ? settings.backend : {})
    const { embedder: name = DEFAULT_EMBEDDER } = options
    const embedder = await createEmbedder(name, { backend, model: placeOf(name) })
    try {
      const detector = options.aligned ? undefined : await createMtcnn({ ...settings, backend })
      if (disposed) detector?.dispose()
      return { embedder, detector }
    } catch (error) {
      embedder.dispose()
      throw error
    }
  }
  const running = (): NonNullable<typeof started> => {
    started ??= start().catch(error => {
      failure = error
      throw error
    })
    return started
  }
  return {
    embedder: async () => (await running()).embedder,
    stoppedBy: error => error === failure || affectsAll(error),
    async recognise(picture, choose) {
      const { embedder, detector } = await running()
      if (!detector) {
        const { width, height } = picture
        const [embedding] = await embedder.embedAligned([picture])
        return [{ face: { box: { x: 0, y: 0, width, height }, score: 1 }, embedding }]
      }
      const faces = choose(await detector.detect(picture))
      const embeddings = await embedder.embed(picture, faces)
      return faces.map((face, i) => ({ face, embedding: embeddings[i] }))
    },
    dispose() {
      disposed = true
      started?.then(
        ({ embedder, detector }) => {
          embedder.dispose()
          detector?.dispose()
        },
        () => {},
      )
    },
  }
}
