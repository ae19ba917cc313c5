import { type BackendStarter, Unavailable } from './starter.ts'

/** Plain JavaScript: runs everywhere, some forty times slower than WebAssembly. */
export const cpu: BackendStarter = {
  name: 'cpu',
  async register(tf) {
    let version: string
    try {
      version = (await import('@tensorflow/tfjs-backend-cpu')).version_cpu
    } catch (error) {
      const hint = `run \`npm install @tensorflow/tfjs-backend-cpu@${tf.version_core}\``
      throw new Unavailable('its package cannot be loaded', hint, { cause: error })
    }
    // In Node its first use prints an advertisement for another package; that choice has been made here.
    const backend = tf.findBackend('cpu') as unknown as { firstUse?: boolean } | null
    if (backend) backend.firstUse = false
    return { version }
  },
}
