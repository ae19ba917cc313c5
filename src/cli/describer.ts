import { type Command, InvalidArgumentError } from 'commander'
import { DEFAULT_AGE_GENDER_MODEL, DEFAULT_EMOTION_MODEL } from '../attributes/index.ts'
import { addDetectorOptions, type DetectorDefaults, type DetectorOptions } from './options.ts'

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
