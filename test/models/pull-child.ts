/** A process that pulls the model `tiny`, to be killed or to be pulled beside: ADDRESS FOLDER. Prints every phase that it comes to. */
import { pullFrom } from '../../src/models/pull.node.ts'
import { tinyCatalog } from './tiny-model.ts'

const [base, directory] = process.argv.slice(2)
let phase = ''
const { pulled } = await pullFrom(tinyCatalog(base), 'tiny', {
  directory,
  onProgress(progress) {
    if (progress.phase !== phase) console.log(progress.phase)
    phase = progress.phase
  },
})
console.log(pulled ? 'pulled' : 'was there')
