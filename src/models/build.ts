import type { GraphModel } from '@tensorflow/tfjs-converter'
import type { io } from '@tensorflow/tfjs-core'
import type { Engine } from '../backends/index.ts'
import type { NetworkParts } from './batch-messages.ts'
import { createNetwork, type Network } from './network.ts'

/**
 * Makes a network of its graph and its weights.
 *
 * @throws what TensorFlow.js throws for a graph that it cannot load, and for one that has not one input and one output.
 */
export function buildNetwork(engine: Engine, { manifest, name, artifacts }: NetworkParts): Network {
  const { tf, converter } = engine
  engine.activate()
  // In one turn, so that no other backend can become the active one meanwhile; in a scope, so that weights that were read do not
  // stay when the graph turns out to be wrong.
  let model!: GraphModel<io.IOHandlerSync>
  const held = { ...artifacts }
  tf.tidy(() => {
    model = converter.loadGraphModelSync(tf.io.fromMemorySync(held))
    for (const weight of Object.values(model.weights).flat()) tf.keep(weight)
  })
  // The graph holds on to what it was made from, though its weights are tensors now.
  held.weightData = new ArrayBuffer(0)
  const { inputs, outputs } = model
  if (inputs.length !== 1 || outputs.length !== 1) {
    model.dispose()
    throw new Error(`it has ${inputs.length} inputs and ${outputs.length} outputs; a network has one of each`)
  }
  return createNetwork(engine, model, manifest, manifest.networks.find(network => network.name === name)!)
}
