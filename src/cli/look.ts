import type { Picture } from '../image/index.ts'
import type { CommandContext } from './command.ts'
import { type Overlay, prepareDrawings, writeDrawing } from './drawings.ts'
import { affectsAll, failureLine, failureOf, isWrongCall } from './failure.ts'
import type { Input } from './inputs.ts'
import type { Looker, OpenedLooker } from './looker.ts'
import { pixelLimit } from './options.ts'
import { inOrder, pictureLoader } from './pictures.ts'
import { createProgress } from './progress.ts'
import { styleOf } from './terminal.ts'

/** What a command does with each picture. */
export interface Look<T> {
  /** Looks at it; with several workers at many at a time. */
  look(looker: Looker, picture: Picture): Promise<T>
  /**
   * Tells what came of it, in the order of the inputs.
   *
   * @param drawn the path of the copy with something drawn in.
   */
  tell(name: string, picture: Picture, found: T, drawn: string | undefined): void
  /** What `--draw` draws over it; nothing for a plain copy. */
  draw?(picture: Picture, found: T): Overlay | undefined
}

/** The options of commands that say how pictures are looked at. */
export interface LookOptions {
  readonly maxPixels?: number
  /** The folder for drawings. */
  readonly draw?: string
  /** Whether a failure is also a line of JSON. */
  readonly json?: boolean
}

/** What came of one input. `stops` says that the error is no fault of this one. */
type Looked<T> = { readonly name: string } & (
  | { readonly picture: Picture; readonly found: T }
  | { readonly error: unknown; readonly stops: boolean }
)

/**
 * Looks at all inputs, and tells of each in their order. One that fails is named, and the others are done; how many are looked at at a
 * time depends on the number of workers alone, so memory does not grow with the inputs.
 *
 * @param looker is opened when the first picture is there: to learn of a misspelt name nobody should wait for a network.
 * @returns how many inputs failed.
 * @throws whatever keeps all pictures from being looked at.
 */
export async function lookAtAll<T>(
  inputs: readonly Input[],
  looker: OpenedLooker,
  { look, tell, draw }: Look<T>,
  options: LookOptions,
  context: CommandContext,
): Promise<number> {
  const { stdout, stderr, env } = context.terminal
  const names = inputs.map(({ name }) => name)
  const drawings = options.draw === undefined ? undefined : await prepareDrawings(options.draw, names)
  const progress = createProgress(stderr, inputs.length)
  const load = pictureLoader(context.terminal, pixelLimit(options))
  const { workers } = looker
  // Two for each: one is decoded while networks look at another. In this thread they take turns, so that the first is done soon.
  const inTurn = workers > 1 ? <R>(action: () => Promise<R>): Promise<R> => action() : turns()
  let stopped = false

  async function lookAt(input: Input): Promise<Looked<T>> {
    const { name } = input
    const loaded = await load(input)
    if ('error' in loaded) return { name, error: loaded.error, stops: affectsAll(loaded.error) }
    const { picture } = loaded
    return inTurn(async (): Promise<Looked<T>> => {
      try {
        if (stopped) throw new Error('Not looked at.')
        let opened: Looker
        try {
          opened = await looker.open()
        } catch (error) {
          return { name, error, stops: true }
        }
        return { name, picture, found: await look(opened, picture) }
      } catch (error) {
        return { name, error, stops: affectsAll(error) || isWrongCall(error) }
      }
    })
  }

  let done = 0
  let failed = 0
  try {
    if (inputs.length > 0) progress.show(0, names[0])
    for await (const looked of inOrder(inputs, 2 * workers, lookAt)) {
      const { name } = looked
      try {
        if ('error' in looked) {
          stopped = looked.stops
          throw looked.error
        }
        const { picture, found } = looked
        const drawn = drawings?.pathFor(name)
        if (drawn !== undefined) await writeDrawing(drawn, picture, draw?.(picture, found))
        progress.clear()
        tell(name, picture, found, drawn)
      } catch (error) {
        if (stopped || affectsAll(error)) throw error
        failed++
        context.fail()
        progress.clear()
        const failure = failureOf(error)
        if (options.json) stdout.write(`${JSON.stringify({ file: name, error: failure })}\n`)
        stderr.write(`${styleOf(stderr, env).bad('failed:')} ${failureLine(name, failure)}\n`)
      }
      done++
      if (done < inputs.length) progress.show(done, names[done])
    }
  } finally {
    stopped = true
    progress.clear()
  }
  return failed
}

/** Runs one action after the other, in the order in which they are given. */
function turns(): <R>(action: () => Promise<R>) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve()
  return action => {
    const mine = last.then(action)
    last = mine.catch(() => {})
    return mine
  }
}
