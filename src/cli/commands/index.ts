import type { RegisterCommand } from '../command.ts'
import { detect } from './detect.ts'
import { doctor } from './doctor.ts'
import { evaluate } from './evaluate/index.ts'
import { models } from './models/index.ts'

/** All commands, in the order of the help. */
export const commands: readonly RegisterCommand[] = [detect, models, doctor, evaluate]
