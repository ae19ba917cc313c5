/** Runs the cascade off the page, and tells of every step. `createFacewiseWorker` cannot: `onStage` is a function, which cannot be sent. */
import { createMtcnn, type Face, type Mtcnn, type Stage } from 'facewise/detect'
import { decode, type Picture } from 'facewise/image'
import { answerCalls, type CallContext } from '../line.ts'
import { MAX_PIXELS } from '../pictures/limits.ts'
import { type LevelReport, takeApart } from './cascade.ts'
import { STEP_NAMES, type StepName } from './explain.ts'
import type { CascadeSettings } from './settings.ts'

/** What the page asks for. */
export interface CascadeCall {
  readonly picture: Blob
  /** The same for the same picture, which is then decoded once. */
  readonly key: number
  readonly settings: CascadeSettings
}

/** What is told on the way. */
export type CascadePiece =
  | { readonly type: 'started'; readonly backend: string; readonly simd: boolean }
  | { readonly type: 'decoded'; readonly width: number; readonly height: number }
  | { readonly type: 'step'; readonly step: Step }

/** A step that is done. */
export interface Step {
  readonly name: StepName
  /** Four numbers a box: x, y, width, height, in pixels of the picture. */
  readonly boxes: Float32Array
  readonly scores: Float32Array
  readonly milliseconds: number
  /** With the pyramid; with the windows how many each has. */
  readonly levels?: readonly LevelReport[]
}

/** What is there in the end. */
export interface CascadeResult {
  readonly faces: readonly Face[]
}

/** The stages of the detection under way: the detector keeps its networks, and these are exchanged. */
let current: readonly Stage[] = []
const slots = STEP_NAMES.map((name, i): Stage => ({ name, run: (...given) => current[i].run(...given) }))
let detector: Promise<Mtcnn> | undefined

// In float32 alone: the windows of the first steps are then exact, too, not only those that may be faces.
const load = (): Promise<Mtcnn> => createMtcnn({ stages: slots, fixedPoint: false })

let held: { readonly key: number; readonly picture: Picture } | undefined
let queue: Promise<unknown> = Promise.resolve()

answerCalls({
  // One after another, for they share the slots; one that was cancelled meanwhile ends as soon as it begins.
  run(call: CascadeCall, context) {
    const result = queue.then(() => run(call, context))
    queue = result.catch(() => {})
    return result
  },
})

async function run({ picture, key, settings }: CascadeCall, { signal, tell }: CallContext): Promise<CascadeResult> {
  const say = (piece: CascadePiece): void => tell(piece)
  signal.throwIfAborted()
  detector ??= load()
  const mtcnn = await detector.catch(error => {
    detector = undefined
    throw error
  })
  const { chosen, simd = false } = mtcnn.engine.report
  say({ type: 'started', backend: chosen, simd })
  if (held?.key !== key) held = { key, picture: await decode(picture, { signal, maxPixels: MAX_PIXELS }) }
  say({ type: 'decoded', width: held.picture.width, height: held.picture.height })
  const { stages, levels } = takeApart(settings)
  current = stages
  const faces = await mtcnn.detect(held.picture, {
    signal,
    minFaceSize: settings.minFaceSize,
    scaleFactor: settings.scaleFactor,
    onStage({ name, boxes, time }) {
      const step: Step = {
        name: name as StepName,
        boxes: Float32Array.from(boxes.flatMap(({ x, y, width, height }) => [x, y, width, height])),
        scores: Float32Array.from(boxes, ({ score }) => score),
        milliseconds: time.prepare + time.network + time.select,
        ...((name === 'pyramid' || name === 'windows') && { levels: levels() }),
      }
      say({ type: 'step', step })
    },
  })
  return { faces }
}
