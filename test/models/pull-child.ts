/**
 * A process that pulls the model `tiny`, to be killed or to be pulled beside: ADDRESS FOLDER [die]. Prints every phase that it comes to.
 * With `die` it kills itself while it writes the model, when one of the two files is there.
 */
import type { Convert } from '../../src/models/catalog.ts'
import { pullFrom } from '../../src/models/pull.node.ts'
import { convertTiny, tinyCatalog } from './tiny-model.ts'

const [base, directory, die] = process.argv.slice(2)

class Deadly extends Map<string, Uint8Array> {
  override get(path: string): Uint8Array | undefined {
    if (path.endsWith('.bin')) process.kill(process.pid, 'SIGKILL')
    return super.get(path)
  }
}

const convert: Convert = async (files, options) => {
  const made = await convertTiny(files, options)
  return die ? { ...made, files: new Deadly(made.files) } : made
}

let phase = ''
const { pulled } = await pullFrom(tinyCatalog(base, convert), 'tiny', {
  directory,
  onProgress(progress) {
    if (progress.phase !== phase) console.log(progress.phase)
    phase = progress.phase
  },
})
console.log(pulled ? 'pulled' : 'was there')
