import { EMOTIONS, type Emotion, type EmotionScores, type HeadPose, strongestEmotion } from '../attributes/index.ts'
import type { DescribedFace } from '../facewise/index.ts'
import { toJson as faceToJson } from './commands/detect.ts'
import { table } from './table.ts'
import type { Style } from './terminal.ts'

/** Turns under this many degrees are not told: five landmarks do not know a head better. */
const LEAST_TURN = 10

const BAR_WIDTH = 5

/** The emotions of a face with their scores, strongest first. */
export function rankedEmotions(scores: EmotionScores): [emotion: Emotion, score: number][] {
  return EMOTIONS.map((emotion): [Emotion, number] => [emotion, scores[emotion]]).sort((a, b) => b[1] - a[1])
}

/** A share in whole percent, cut off and not rounded: 100 would claim a certainty that no network has. */
export function percent(share: number): string {
  return `${Math.min(99, Math.floor(share * 100))}%`
}

/** Where a head looks, as seen in the picture: `ahead`, `left 20°, up 12°, tilt 15°`. Short, for a line of 80 columns has more to say. */
export function poseInWords({ yaw, pitch, roll }: HeadPose): string {
  const turn = (degrees: number, positive: string, negative: string): string[] => {
    const size = Math.round(Math.abs(degrees))
    return size < LEAST_TURN ? [] : [`${degrees > 0 ? positive : negative} ${size}°`]
  }
  const looks = [...turn(yaw, 'right', 'left'), ...turn(pitch, 'up', 'down')]
  return [...(looks.length > 0 ? looks : ['ahead']), ...turn(roll, 'tilt', 'tilt')].join(', ')
}

/** A face with all that is told of it, as `--json` prints it. */
export function toJson({ emotion, age, gender, pose, quality, liveness, ...face }: DescribedFace): unknown {
  const digits =
    (count: number) =>
    (value: number): number =>
      Number(value.toFixed(count))
  const score = digits(4)
  const degrees = digits(1)
  return {
    ...(faceToJson(face) as object),
    emotion: emotion && Object.fromEntries(EMOTIONS.map(name => [name, score(emotion[name])])),
    age: age === undefined ? undefined : digits(1)(age),
    gender: gender && { label: gender.label, score: score(gender.score) },
    pose: pose && { yaw: degrees(pose.yaw), pitch: degrees(pose.pitch), roll: degrees(pose.roll) },
    quality: quality && score(quality.score),
    qualityReasons: quality?.reasons.length
      ? quality.reasons.map(({ code, message }) => ({ code, message }))
      : undefined,
    liveness: liveness && { score: score(liveness.score) },
  }
}

/** A column of the table; one that no face has anything for is left out. */
interface Column {
  readonly head: string
  readonly align: 'l' | 'r'
  cell(face: DescribedFace): string | undefined
}

const COLUMNS: readonly Column[] = [
  { head: 'age', align: 'r', cell: ({ age }) => age?.toFixed(0) },
  { head: 'gender', align: 'l', cell: ({ gender }) => gender && `${gender.label} ${percent(gender.score)}` },
  { head: 'emotion', align: 'l', cell: ({ emotion }) => emotion && emotionCell(emotion) },
  { head: 'quality', align: 'r', cell: ({ quality }) => quality?.score.toFixed(2) },
  { head: 'liveness', align: 'r', cell: ({ liveness }) => liveness?.score.toFixed(2) },
  { head: 'looking', align: 'l', cell: ({ pose }) => pose && poseInWords(pose) },
]

function emotionCell(scores: EmotionScores): string {
  const strongest = strongestEmotion(scores)
  const filled = Math.round(scores[strongest] * BAR_WIDTH)
  return `${strongest.padEnd(8)} ${percent(scores[strongest])} ${'#'.repeat(filled).padEnd(BAR_WIDTH, '-')}`
}

/** The lines of the table for people, its head first. */
export function descriptionRows(faces: readonly DescribedFace[], style: Style): string[] {
  if (faces.length === 0) return []
  const columns = COLUMNS.filter(({ cell }) => faces.some(face => cell(face) !== undefined))
  const rows = faces.map((face, i) => [String(i + 1), ...columns.map(({ cell }) => cell(face) ?? '-')])
  const align = columns.map(column => column.align).join('')
  const [head, ...lines] = table([['', ...columns.map(column => column.head)], ...rows], `r${align}`)
  return [style.dim(head), ...lines, ...qualityRows(faces)]
}

/** A line for each face of bad quality: the worst reason with what to do, and the others. */
function qualityRows(faces: readonly DescribedFace[]): string[] {
  return faces.flatMap(({ quality }, i) => {
    if (!quality || quality.reasons.length === 0) return []
    const [{ message }, ...others] = quality.reasons
    const also = others.length > 0 ? ` Also: ${others.map(({ code }) => code).join(', ')}.` : ''
    return [`face ${i + 1}: ${message}${also}`]
  })
}
