import { FacewiseError } from '../errors.ts'

/** Options of {@link createSmoother}. */
export interface SmootherOptions {
  /**
   * In milliseconds; 500 by default. After a jump of the readings the smoothed value has gone 63 % of the way in this time, 86 % in twice
   * and 95 % in three times as long, at any frame rate.
   */
  readonly timeConstant?: number
  /** By how much another label must lead before it takes the place of the one that is shown, 0 to 1; 0.2 by default. */
  readonly hysteresis?: number
  /** A track that has no value for longer than this is forgotten; in milliseconds, 2,000 by default. */
  readonly forgetAfter?: number
  /** Names of fields that are angles in degrees and go the short way round; those of a head pose, `yaw`, `pitch` and `roll`, by default. */
  readonly angles?: readonly string[]
}

/**
 * What can be smoothed: a number, or objects and arrays of numbers, nested as one likes. Beside them a `label` may stand, together with
 * its `score` (probability, 0 to 1) or with the `scores` of all labels.
 */
export type Smoothable<T> = T extends number | undefined
  ? T
  : T extends object | undefined
    ? { readonly [K in keyof T]: K extends 'label' ? T[K] : Smoothable<T[K]> }
    : never

/** Smooths values over the frames of a video, each track (face) by itself. */
export interface Smoother<T> {
  /**
   * Takes in the value of one frame and gives the smoothed one: same fields, same labels' names.
   *
   * @param track Which face it is, as a tracker numbers or names it.
   * @param time Of the frame, in milliseconds from any beginning. A second value of one time changes nothing.
   * @throws FacewiseError `INVALID_ARGUMENT` for a time before the track's last one (call `forget` after a jump back in the video),
   * numbers that are not finite, text other than a label with its score or scores, an array whose length changes. Nothing is taken in then.
   */
  update(track: number | string, time: number, value: Smoothable<T>): T
  /** The next value of this track is a first one. */
  forget(track: number | string): void
  /** Forgets all tracks. */
  clear(): void
  /** Tracks that are remembered. */
  readonly tracks: number
}

/**
 * Exponential smoothing of what is read off a face, so that age, emotion, pose and labels do not flicker from frame to frame.
 *
 * A reading that stands for dt milliseconds has the weight 1 - exp(-dt / timeConstant), and those before it keep exp(-dt / timeConstant)
 * of theirs: so the frame rate does not matter, nor frames that are left out. The sum is divided by the weights so far (as Kingma and
 * Ba, "Adam: a method for stochastic optimization", 2015, section 3, do), so that the first value counts wholly and the second and
 * third are averaged with it, instead of a first value that stays for long.
 *
 * Scores of several labels are smoothed each and go on to have the sum that they had. A label changes only when another one leads by
 * `hysteresis`.
 *
 * ```ts
 * const smoother = createSmoother<{ age: number; gender: { label: string; score: number } }>({ timeConstant: 800 })
 * const shown = smoother.update(trackId, video.currentTime * 1000, reading)
 * ```
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for options out of range.
 */
export function createSmoother<T>(options: SmootherOptions = {}): Smoother<T> {
  const settings = settingsOf(options)
  const tracks = new Map<number | string, Track>()
  return {
    update(track, time, value) {
      const known = tracks.get(track)
      check(Number.isFinite(time), `The time of a frame is a number of milliseconds; got ${time}.`)
      check(
        !(known && time < known.time),
        `Time went back from ${known?.time} to ${time} on track ${track}: give frames in order, or call forget(${JSON.stringify(track)}) first.`,
      )
      checkValue(value, 'The value')
      // Others too, so that the faces of a long video do not gather.
      for (const [id, { time: last }] of tracks) if (time - last > settings.forgetAfter) tracks.delete(id)
      const kept = tracks.get(track) ?? { time, state: undefined }
      const { state, value: smoothed } = smooth(kept.state, value, { ...settings, time, angle: false })
      tracks.set(track, { time, state })
      return smoothed as T
    },
    forget: track => {
      tracks.delete(track)
    },
    clear: () => tracks.clear(),
    get tracks() {
      return tracks.size
    },
  }
}

interface Track {
  readonly time: number
  readonly state: State | undefined
}

type Settings = Required<SmootherOptions>

/** What {@link smooth} knows of the frame; `angle` says that the value is one. */
type Frame = Settings & { readonly time: number; readonly angle: boolean }

type State = NumberState | GroupState

interface NumberState {
  readonly kind: 'number'
  readonly time: number
  readonly mean: number
  /** The sum of the weights; nothing while there was one reading alone, whose share of the time is not known yet. */
  readonly weight: number | undefined
}

/** A label that is shown, and the smoothed scores of all labels so far. */
interface LabelState {
  readonly shown: string
  readonly scores: ReadonlyMap<string, NumberState>
}

interface GroupState {
  readonly kind: 'group'
  readonly fields: ReadonlyMap<string, State>
  /** Of an array. */
  readonly length?: number
  /** Of an object with a label: its scores are there, not among the fields. */
  readonly label?: LabelState
}

type Fields = Readonly<Record<string, unknown>>

/** Never changes the state that it is given: a value that turns out wrong half way leaves nothing behind. */
function smooth(before: State | undefined, value: unknown, frame: Frame): { state: State; value: unknown } {
  if (typeof value === 'number') {
    const state = smoothNumber(before?.kind === 'number' ? before : undefined, value, frame)
    return { state, value: state.mean }
  }
  const fields = value as Fields
  const length = Array.isArray(value) ? value.length : undefined
  const group = before?.kind === 'group' ? before : undefined
  check(
    !group || group.length === length,
    `An array of ${group?.length} numbers has ${length} now: only arrays of one length can be smoothed.`,
  )
  // A field that is missing in this frame keeps its past.
  const states = new Map(group?.fields)
  const out: Record<string, unknown> = {}
  const label = typeof fields.label === 'string' ? smoothLabel(group?.label, fields, frame) : undefined
  for (const [name, field] of Object.entries(fields)) {
    if (field === undefined) continue
    if (label && name in label.value) {
      out[name] = label.value[name]
      continue
    }
    const next = smooth(states.get(name), field, { ...frame, angle: frame.angles.includes(name) })
    states.set(name, next.state)
    out[name] = next.value
  }
  const state: GroupState = { kind: 'group', fields: states, length, label: label?.state ?? group?.label }
  return { state, value: length === undefined ? out : Object.values(out) }
}

function smoothNumber(
  before: NumberState | undefined,
  value: number,
  { time, timeConstant, angle }: Pick<Frame, 'time' | 'timeConstant' | 'angle'>,
): NumberState {
  if (!before) return { kind: 'number', time, mean: value, weight: undefined }
  if (time === before.time) return before
  const kept = Math.exp((before.time - time) / timeConstant)
  const added = 1 - kept
  // The first reading stands for as long a time as that up to the second.
  const weight = (before.weight ?? added) * kept + added
  const step = angle ? shortWay(value - before.mean) : value - before.mean
  const mean = before.mean + (step * added) / weight
  return { kind: 'number', time, mean: angle ? shortWay(mean) : mean, weight }
}

/** An angle in degrees, or the difference of two, from -180 to below 180. */
const shortWay = (degrees: number): number =>
  degrees >= -180 && degrees < 180 ? degrees : degrees - 360 * Math.floor((degrees + 180) / 360)

function smoothLabel(
  before: LabelState | undefined,
  fields: Fields,
  frame: Frame,
): { state: LabelState; value: Fields } {
  const label = fields.label as string
  const readings = fields.scores
    ? new Map(Object.entries(fields.scores as Readonly<Record<string, number>>))
    : spread(label, fields.score as number, before?.scores)
  const scores = new Map(before?.scores)
  for (const [name, score] of readings) {
    scores.set(name, smoothNumber(scores.get(name) ?? unseen(name, before), score, { ...frame, angle: false }))
  }
  const scoreOf = (name: string): number => scores.get(name)?.mean ?? 0
  const shown = before?.shown ?? label
  const [best] = [...scores.keys()].sort((a, b) => scoreOf(b) - scoreOf(a))
  const next = scoreOf(best) - scoreOf(shown) > frame.hysteresis ? best : shown
  const value = {
    label: next,
    ...(fields.score !== undefined && { score: scoreOf(next) }),
    ...(fields.scores !== undefined && {
      scores: Object.fromEntries([...readings.keys()].map(name => [name, scoreOf(name)])),
    }),
  }
  return { state: { shown: next, scores }, value }
}

/**
 * The score of one label as scores of all labels so far: what is left of 1 goes to the others in the proportion of their scores. Of two
 * labels that is exact.
 */
function spread(label: string, score: number, before: LabelState['scores'] = new Map()): Map<string, number> {
  const others = [...before].filter(([name]) => name !== label)
  const sum = others.reduce((total, [, { mean }]) => total + mean, 0)
  const readings = new Map([[label, score]])
  for (const [name, { mean }] of others) {
    readings.set(name, (1 - score) * (sum > 0 ? mean / sum : 1 / others.length))
  }
  return readings
}

/** The past of a label that no reading named before: it had what the others left. */
function unseen(name: string, before: LabelState | undefined): NumberState | undefined {
  if (!before || before.scores.has(name)) return undefined
  const states = [...before.scores.values()]
  const sum = states.reduce((total, { mean }) => total + mean, 0)
  return { ...states[0], mean: Math.max(0, 1 - sum) }
}

function settingsOf(options: SmootherOptions): Settings {
  const { timeConstant = 500, hysteresis = 0.2, forgetAfter = 2000, angles = ['yaw', 'pitch', 'roll'] } = options
  check(
    timeConstant > 0 && Number.isFinite(timeConstant),
    `A time constant is a number of milliseconds above 0; got ${timeConstant}.`,
  )
  check(hysteresis >= 0 && hysteresis <= 1, `The hysteresis is a lead in probability, 0 to 1; got ${hysteresis}.`)
  check(forgetAfter > 0, `A track is forgotten after a number of milliseconds above 0; got ${forgetAfter}.`)
  return { timeConstant, hysteresis, forgetAfter, angles }
}

/** @param where what the message calls the value. */
function checkValue(value: unknown, where: string): void {
  if (typeof value === 'number') {
    check(Number.isFinite(value), `${where} is ${value}: leave a frame out rather than give no number.`)
    return
  }
  check(
    typeof value === 'object' && value !== null,
    `${where} is ${JSON.stringify(value)}: numbers can be smoothed, and objects and arrays of them.`,
  )
  const fields = value as Fields
  const { label, score, scores } = fields
  const isProbability = (s: unknown): boolean => typeof s === 'number' && s >= 0 && s <= 1
  if (label !== undefined) {
    const all = scores === undefined ? [score] : Object.values(scores as object)
    check(
      typeof label === 'string' && all.length > 0 && all.every(isProbability),
      `${where} has a label without its 'score', or the 'scores' of all labels, from 0 to 1.`,
    )
  }
  for (const [name, field] of Object.entries(fields)) {
    if (name === 'label') continue
    if (field !== undefined || Array.isArray(value)) checkValue(field, `${where}'s ${name}`)
  }
}

function check(right: boolean, message: string): void {
  if (!right) throw new FacewiseError('INVALID_ARGUMENT', message)
}
