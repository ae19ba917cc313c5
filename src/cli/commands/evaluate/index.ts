import type { RegisterCommand } from '../../command.ts'
import { epilogue } from '../../epilogue.ts'
import { evaluateAttributes } from './attributes.ts'
import { evaluateCrops } from './crops.ts'
import { evaluateDetection } from './detection.ts'
import { evaluateLiveness } from './liveness.ts'
import { evaluatePairs } from './pairs.ts'

/** `facewise evaluate`: a group, one command for each thing that can be measured. */
export const evaluate: RegisterCommand = (program, context) => {
  const group = program
    .command('evaluate')
    .description('Measures how well it works, on labelled data.')
    .addHelpText('after', epilogue(HELP))
  evaluateDetection(group, context)
  evaluatePairs(group, context)
  evaluateCrops(group, context)
  evaluateAttributes(group, context)
  evaluateLiveness(group, context)
}

const HELP = `
Examples:
  facewise evaluate detection data/wider-part
      How many of the labelled faces are found, and how many findings are false.
  facewise evaluate pairs lfw/pairs-test.csv
      How well one person is told from two.
  facewise evaluate attributes data/my-faces
      How well emotion, age and gender are read, by groups.
  facewise evaluate liveness data/presentations
      How many photos and screens pass for living faces.
  facewise evaluate detection --help
      What the labels look like, and the rules.`
