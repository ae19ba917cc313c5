import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const here = fileURLToPath(new URL('.', import.meta.url))
const repository = fileURLToPath(new URL('../..', import.meta.url))

/**
 * The policy under which the page works: it may speak to its own origin alone, so no picture can leave it. `blob:` and `data:` are the
 * pictures that are dropped into it; 'wasm-unsafe-eval' lets WebAssembly be compiled.
 */
export const POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; style-src 'self'; " +
  "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export default defineConfig({
  root: here,
  base: './',
  resolve: {
    // The library's source under the package's name: what is changed there is seen here. An app of one's own needs none of this.
    alias: [
      { find: /^facewise$/, replacement: `${repository}src/index.ts` },
      { find: /^facewise\/([\w-]+)$/, replacement: `${repository}src/$1/index.ts` },
    ],
  },
  // Backends and models are loaded when they are needed, which takes module workers.
  worker: { format: 'es' },
  build: {
    outDir: `${repository}output/browser-playground`,
    emptyOutDir: true,
    target: 'es2023',
    // A small model as a `data:` address could not be fetched under the policy.
    assetsInlineLimit: 0,
    // TensorFlow.js is what is large; it comes in chunks of its own, when a worker starts.
    chunkSizeWarningLimit: 1500,
    // How long the bundler's own plugins took is no news.
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
  preview: { port: 4173, headers: { 'Content-Security-Policy': POLICY } },
})
