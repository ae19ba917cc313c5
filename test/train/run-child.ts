/**
 * A run of training that keeps its checkpoint in a file, to be killed: FOLDER NAME. Goes on from `FOLDER/NAME.checkpoint` where that exists,
 * prints each epoch, and writes its result to `FOLDER/NAME.json`.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cosineDecay, decodeCheckpoint, encodeCheckpoint, head, train } from '../../src/train/index.ts'
import { toyPeople, wasm } from './backend.ts'

const [folder, name] = process.argv.slice(2)
const checkpointPath = join(folder, `${name}.checkpoint`)
const { weights, log, bestEpoch } = await train({
  engine: await wasm(),
  network: head({ dimension: 8, anchor: 0 }),
  samples: toyPeople(24, 6, 1),
  heldOut: toyPeople(16, 4, 2),
  optimiser: 'adam',
  learningRate: 0.02,
  schedule: cosineDecay,
  epochs: 60,
  batch: { people: 12, pictures: 4 },
  resume: existsSync(checkpointPath) ? decodeCheckpoint(readFileSync(checkpointPath)) : undefined,
  async onEpoch({ epoch }, checkpoint) {
    writeFileSync(`${checkpointPath}.part`, encodeCheckpoint(await checkpoint()))
    renameSync(`${checkpointPath}.part`, checkpointPath)
    console.log(epoch)
  },
})
const values = weights.map(weight => ({ ...weight, values: [...weight.values] }))
writeFileSync(join(folder, `${name}.json`), JSON.stringify({ values, log, bestEpoch }))
