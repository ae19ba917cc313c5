/**
 * `npm run measure:attributes`: the packaged classifiers beside those of other libraries, which run their own code on their own weights, on
 * the same pictures, whole as they are: what each gets right, and how far the ports agree with what they were made from. Skips what the
 * development data lacks.
 */
import { join } from 'node:path'
import { ageErrors, confusion } from '../src/attributes/evaluation.ts'
import {
  createAgeGenderClassifier,
  createEmotionClassifier,
  EMOTIONS,
  strongestEmotion,
} from '../src/attributes/index.ts'
import { startBackend } from '../src/backends/index.ts'
import { readAttributeLabels } from '../src/cli/commands/evaluate/attribute-labels.ts'
import { table } from '../src/cli/table.ts'
import { decode, type Picture } from '../src/image/index.ts'
import { developmentData } from '../test/data.ts'
import { loadPeers } from './peers.ts'

/** Pictures that go to a classifier together. */
const BATCH = 16

if (!developmentData) {
  console.log('SKIPPED: this needs the development data; FACEWISE_DATA names its folder.')
} else {
  const engine = await startBackend({ prefer: 'wasm' })
  const peers = await loadPeers(engine)
  await measureEmotion(join(developmentData, 'data', 'fer-dev'))
  await measureAgeGender(join(developmentData, 'data', 'utk-dev'))

  async function measureEmotion(folder: string): Promise<void> {
    const { pictures: labelled } = await readAttributeLabels(folder)
    const pictures = labelled.flatMap(item => ('picture' in item ? [item.picture] : []))
    const truth = labelled.map(({ emotion }) => emotion!)
    const ours: Record<string, string[]> = {}
    for (const mirror of [false, true]) {
      const classifier = await createEmotionClassifier(undefined, { backend: engine, mirror })
      const name = `${classifier.manifest.name}${mirror ? ', mirrored too' : ''}`
      ours[name] = (await classifier.classifyAligned(pictures)).map(strongestEmotion)
      classifier.dispose()
    }
    const [plain] = Object.values(ours)
    const human: string[] = []
    for (const picture of pictures) human.push((await peers.emotion(picture)) ?? 'neutral')
    const faceApi = await inBatches(pictures, batch => peers.expressions(batch))
    const row = (name: string, guesses: readonly string[]): string[] => {
      const { accuracy, balancedAccuracy } = confusion(EMOTIONS, truth, guesses)
      const same = guesses.filter((guess, i) => guess === plain[i]).length / guesses.length
      return [name, accuracy.toFixed(4), balancedAccuracy.toFixed(4), same.toFixed(4)]
    }
    print(`Emotion, ${pictures.length} pictures`, [
      ['', 'accuracy', 'mean over emotions', 'same answer as the first'],
      ...Object.entries(ours).map(([name, guesses]) => row(name, guesses)),
      row('@vladmandic/human, emotion', human),
      row('@vladmandic/face-api, expressions', faceApi),
    ])
  }

  async function measureAgeGender(folder: string): Promise<void> {
    const set = await readAttributeLabels(folder)
    try {
      const pictures = await Promise.all(set.pictures.map(item => ('path' in item ? decode(item.path) : item.picture)))
      const ages = set.pictures.map(({ age }) => age!)
      const genders = set.pictures.map(({ gender }) => gender!)
      interface Answer {
        readonly age: number
        readonly gender: string
      }
      const ours: Record<string, Answer[]> = {}
      for (const mirror of [false, true]) {
        const classifier = await createAgeGenderClassifier(undefined, { backend: engine, mirror })
        const name = `${classifier.manifest.name}${mirror ? ', mirrored too' : ''}`
        const results = await classifier.classifyAligned(pictures)
        ours[name] = results.map(({ age, gender }) => ({ age, gender: gender.label }))
        classifier.dispose()
      }
      const [plain] = Object.values(ours)
      const faceApi = await inBatches(pictures, batch => peers.ageGender(batch))
      const human: Answer[] = []
      for (const picture of pictures) human.push(await peers.faceres(picture))
      const row = (name: string, answers: readonly Answer[]): string[] => {
        const { mae } = ageErrors(
          ages,
          answers.map(({ age }) => age),
        )
        const right = answers.filter(({ gender }, i) => gender === genders[i]).length / answers.length
        const apart = ageErrors(
          plain.map(({ age }) => age),
          answers.map(({ age }) => age),
        )
        const same = answers.filter(({ gender }, i) => gender === plain[i].gender).length / answers.length
        return [name, mae.toFixed(3), right.toFixed(4), apart.mae.toFixed(3), same.toFixed(4)]
      }
      print(`Age and gender, ${pictures.length} pictures`, [
        ['', 'age: mean error', 'gender', 'years from the first', 'same gender as the first'],
        ...Object.entries(ours).map(([name, answers]) => row(name, answers)),
        row('@vladmandic/face-api, age and gender', faceApi),
        row('@vladmandic/human, faceres', human),
      ])
    } finally {
      await set.dispose()
    }
  }
}

async function inBatches<T>(
  pictures: readonly Picture[],
  run: (batch: readonly Picture[]) => Promise<T[]>,
): Promise<T[]> {
  const results: T[] = []
  for (let i = 0; i < pictures.length; i += BATCH) results.push(...(await run(pictures.slice(i, i + BATCH))))
  return results
}

function print(title: string, rows: readonly (readonly string[])[]): void {
  console.log(`\n${title}\n`)
  for (const line of table(rows, 'l'.padEnd(rows[0].length, 'r'))) console.log(line)
}
