// A worker thread that runs the source and says, on a port of its own, how many tensors it holds.
import { workerData } from 'node:worker_threads'

await import('../source-worker.mjs')
const tf = await import('@tensorflow/tfjs-core')
workerData.port.on('message', () => workerData.port.postMessage(tf.memory().numTensors))
workerData.port.unref()
