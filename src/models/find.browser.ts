import { packagedSource } from '#platform/models'
import { FacewiseError } from '../errors.ts'
import { isDownloadable, pullCommand } from './downloadable.ts'
import type { FoundModel } from './find.ts'
import { parseManifest } from './manifest.ts'
import { type PackagedName, packagedManifests } from './packaged.ts'
import type { PulledModel, PullOptions } from './pull.ts'

/** Finds a model of the package by its name; see the Node version for the contract. */
export async function findModel(name: string): Promise<FoundModel> {
  if (Object.hasOwn(packagedManifests, name)) {
    return { manifest: parseManifest(packagedManifests[name as PackagedName]), source: packagedSource(name) }
  }
  if (isDownloadable(name)) throw new FacewiseError('MODEL_NOT_FOUND', `The model ${name} ${serveIt(name)}`)
  const known = Object.keys(packagedManifests).join(', ')
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    `There is no packaged model "${name}"; there is ${known}. For another, give its \`source\` or \`manifest\`.`,
  )
}

/** @throws FacewiseError always: a browser has no model directory. */
export async function pullModel(name: string, _options?: PullOptions): Promise<PulledModel> {
  throw new FacewiseError('INVALID_ARGUMENT', `In a browser the model ${name} cannot be pulled; it ${serveIt(name)}`)
}

function serveIt(name: string): string {
  return (
    `does not come with the package, so your site must serve it: run \`${pullCommand(name)} --dir public/models\` on your ` +
    `machine, and give the address of its folder, as in { source: '/models/${name}/' }.`
  )
}
