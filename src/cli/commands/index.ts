import type { RegisterCommand } from '../command.ts'
import { bench } from './bench.ts'
import { cluster } from './cluster.ts'
import { completion } from './completion.ts'
import { describe } from './describe.ts'
import { detect } from './detect.ts'
import { doctor } from './doctor.ts'
import { enroll } from './enroll.ts'
import { evaluate } from './evaluate/index.ts'
import { finetune } from './finetune.ts'
import { forget } from './forget.ts'
import { identify } from './identify.ts'
import { models } from './models/index.ts'
import { represent } from './represent.ts'
import { store } from './store/index.ts'
import { verify } from './verify.ts'

/** All commands, in the order of the help. */
export const commands: readonly RegisterCommand[] = [
  detect,
  describe,
  represent,
  verify,
  cluster,
  enroll,
  identify,
  forget,
  store,
  finetune,
  models,
  doctor,
  bench,
  evaluate,
  completion,
]
