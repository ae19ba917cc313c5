import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const here = fileURLToPath(new URL('.', import.meta.url))
const repository = fileURLToPath(new URL('../../..', import.meta.url))

export default defineConfig({
  root: here,
  resolve: {
    // The library's source under the package's name. An app of one's own needs none of this.
    alias: [
      { find: /^facewise$/, replacement: `${repository}src/index.ts` },
      { find: /^facewise\/([\w-]+)$/, replacement: `${repository}src/$1/index.ts` },
    ],
  },
  // Backends and models are loaded when they are needed, which takes module workers.
  worker: { format: 'es' },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    // A small model as a `data:` address could not be fetched under the server's policy.
    assetsInlineLimit: 0,
    // TensorFlow.js is what is large; it comes in chunks of its own, when a worker starts.
    chunkSizeWarningLimit: 1500,
    // How long the bundler's own plugins took is no news.
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
})
