import { type Command, InvalidArgumentError } from 'commander'
import {
  assessQuality,
  type Classifier,
  createAgeGenderClassifier,
  createEmotionClassifier,
  createSpoofClassifier,
  DEFAULT_AGE_GENDER_MODEL,
  DEFAULT_EMOTION_MODEL,
  type EmotionScores,
  type FaceQuality,
  type Gender,
  type HeadPose,
} from '../attributes/index.ts'
import { startBackend } from '../backends/index.ts'
import { createMtcnn, type Face, type Mtcnn } from '../detect/index.ts'
import { IN_CROP, posesOf } from '../facewise/poses.ts'
import type { Picture } from '../image/index.ts'
import { affectsAll } from './failure.ts'
import { addDetectorOptions, type DetectorDefaults, type DetectorOptions, detectorSettings } from './options.ts'
import { placeOf } from './recogniser.ts'

/** What `--attributes` may name. */
export const ATTRIBUTES = ['emotion', 'age-gender', 'pose', 'quality'] as const

/** One of {@link ATTRIBUTES}. */
export type Attribute = (typeof ATTRIBUTES)[number]

/** The options of a command that describes faces. */
export interface DescriberOptions extends DetectorOptions {
  readonly attributes?: readonly Attribute[]
  readonly emotionModel?: string
  readonly ageGenderModel?: string
  readonly liveness?: boolean
  readonly aligned?: boolean
}

/** Adds them. */
export function addDescriberOptions(command: Command, defaults: DetectorDefaults): Command {
  return addDetectorOptions(command, defaults)
    .option('--attributes <names>', `what to tell, with commas between (default: ${ATTRIBUTES})`, attributes)
    .option(
      '--emotion-model <name>',
      `other weights: a name (see \`facewise models list\`), or a folder or address with a manifest.json (default: ${DEFAULT_EMOTION_MODEL})`,
    )
    .option('--age-gender-model <name>', `the same for age and gender (default: ${DEFAULT_AGE_GENDER_MODEL})`)
    .option(
      '--liveness',
      'tell also how much the texture looks like a living face rather than a photo of one; hardly tested: no gate to let people through',
    )
    .option(
      '--aligned',
      'the pictures are aligned crops already, one face each: none is looked for, and no pose is told',
    )
}

function attributes(text: string): Attribute[] {
  const names = text.split(',').map(part => {
    const name = ATTRIBUTES.find(known => known === part.trim())
    if (!name) throw new InvalidArgumentError(`Choose among ${ATTRIBUTES.join(', ')}; several with commas between.`)
    return name
  })
  return ATTRIBUTES.filter(name => names.includes(name))
}

/** What is told of a face; what was not asked for, or cannot be told, is absent. */
export interface Description {
  readonly face: Face
  readonly emotion?: EmotionScores
  readonly age?: number
  readonly gender?: Gender
  readonly pose?: HeadPose
  readonly quality?: FaceQuality
  readonly liveness?: number
}

/** Finds and describes faces; the networks are loaded when the first picture needs them. */
export interface Describer {
  /** @param choose which of the faces that were found are to be described. */
  describe(picture: Picture, choose: (faces: readonly Face[]) => Face[]): Promise<Description[]>
  /** Whether `error` is why no picture can be looked at: the fault of no single one. */
  stoppedBy(error: unknown): boolean
  dispose(): void
}

/** The networks that the options ask for, on one backend. */
interface Networks {
  readonly detector?: Mtcnn
  readonly emotion?: Classifier<EmotionScores>
  readonly ageGender?: Awaited<ReturnType<typeof createAgeGenderClassifier>>
  readonly spoof?: Awaited<ReturnType<typeof createSpoofClassifier>>
}

/** A describer as the command line asks for it. */
export function createDescriber(options: DescriberOptions, defaults: DetectorDefaults): Describer {
  const { aligned, attributes: wanted = ATTRIBUTES } = options
  let started: Promise<Networks> | undefined
  let failure: unknown
  const running = (): Promise<Networks> => {
    started ??= loadNetworks(options, wanted, defaults).catch(error => {
      failure = error
      throw error
    })
    return started
  }
  return {
    stoppedBy: error => error === failure || affectsAll(error),
    async describe(picture, choose) {
      const { detector, emotion, ageGender, spoof } = await running()
      const { width, height } = picture
      const faces = detector
        ? choose(await detector.detect(picture))
        : [{ box: { x: 0, y: 0, width, height }, score: 1 }]
      // All faces go through a network at once; the networks take turns, for they share the backend's threads.
      const ask = async <T>(classifier: Classifier<T> | undefined): Promise<readonly T[]> =>
        (await (aligned ? classifier?.classifyAligned([picture]) : classifier?.classify(picture, faces))) ?? []
      const emotions = await ask(emotion)
      const people = await ask(ageGender)
      const textures = await ask(spoof)
      const poses =
        detector && wanted.includes('pose') ? await posesOf(picture, faces, crop => detector.detect(crop, IN_CROP)) : []
      return faces.map((face, i) => ({
        face,
        emotion: emotions[i],
        age: people[i]?.age,
        gender: people[i]?.gender,
        pose: poses[i],
        quality: wanted.includes('quality') ? assessQuality(picture, aligned ? { box: face.box } : face) : undefined,
        liveness: textures[i]?.score,
      }))
    },
    dispose() {
      started?.then(disposeAll, () => {})
    },
  }
}

async function loadNetworks(
  options: DescriberOptions,
  wanted: readonly Attribute[],
  defaults: DetectorDefaults,
): Promise<Networks> {
  const { emotionModel = DEFAULT_EMOTION_MODEL, ageGenderModel = DEFAULT_AGE_GENDER_MODEL } = options
  const settings = detectorSettings(options, defaults)
  const backend = await startBackend(settings.backend && 'prefer' in settings.backend ? settings.backend : {})
  const settingsOf = (name: string) => ({ backend, model: placeOf(name) })
  const loaded: { -readonly [K in keyof Networks]: Networks[K] } = {}
  try {
    if (wanted.includes('emotion'))
      loaded.emotion = await createEmotionClassifier(emotionModel, settingsOf(emotionModel))
    if (wanted.includes('age-gender')) {
      loaded.ageGender = await createAgeGenderClassifier(ageGenderModel, settingsOf(ageGenderModel))
    }
    if (options.liveness) loaded.spoof = await createSpoofClassifier(undefined, { backend })
    if (!options.aligned) loaded.detector = await createMtcnn({ ...settings, backend })
    return loaded
  } catch (error) {
    disposeAll(loaded)
    throw error
  }
}

function disposeAll({ detector, emotion, ageGender, spoof }: Networks): void {
  for (const network of [detector, emotion, ageGender, spoof]) network?.dispose()
}
