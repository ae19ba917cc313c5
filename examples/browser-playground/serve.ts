/**
 * Builds the playground and serves what was built, under the policy of `vite.config.ts`. `npm run example:playground` builds the models first.
 */
import { fileURLToPath } from 'node:url'
import { build, type PreviewServer, preview } from 'vite'

const configFile = fileURLToPath(new URL('vite.config.ts', import.meta.url))

/** Where the playground is built to and served from, where that is not said in `vite.config.ts`. */
export interface ServeOptions {
  readonly outDir?: string
  /** 0 for any that is free. */
  readonly port?: number
}

/** Builds and serves it. @returns the running server, and the address of the page. */
export async function serve({ outDir, port }: ServeOptions = {}): Promise<{ server: PreviewServer; address: string }> {
  const shared = { configFile, logLevel: 'warn', ...(outDir && { build: { outDir } }) } as const
  await build(shared)
  const server = await preview({ ...shared, ...(port !== undefined && { preview: { port } }) })
  const address = server.resolvedUrls?.local[0]
  if (!address) throw new Error('The server has no address.')
  return { server, address }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log('Building ...')
  const { address } = await serve()
  console.log(`The playground runs on ${address}   (Ctrl+C ends it)`)
}
