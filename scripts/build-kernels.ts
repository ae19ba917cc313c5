/**
 * Compiles the WebAssembly kernels from AssemblyScript (`*.as.ts`) into modules that hold their bytes (`kernel.ts`), which are in git so
 * that nothing needs a compiler but who changes them. `npm run build:kernels` after a change.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const folder = fileURLToPath(new URL('../src/detect/fixed-point/', import.meta.url))

/** The module for a kernel: TypeScript that exports the WebAssembly as base64. */
export async function compileKernel(): Promise<string> {
  // The compiler gives a name without an ending its own, `.ts`.
  const read = (name: string): string | null => {
    const path = join(folder, name.replace(/^\.\//, ''))
    return existsSync(path) ? readFileSync(path, 'utf8') : null
  }
  let bytes = new Uint8Array()
  const { error, stderr } = await asc.main(
    ['kernel.as.ts', '--outFile', 'kernel.wasm', '-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd'],
    {
      readFile: read,
      writeFile: (_, contents) => {
        bytes = contents as Uint8Array<ArrayBuffer>
      },
      listFiles: () => [],
    },
  )
  if (error) throw new Error(`The kernel does not compile: ${stderr.toString()}`)
  const base64 = Buffer.from(bytes).toString('base64')
  const lines = base64.match(/.{1,116}/g) ?? []
  return [
    '// Made by `npm run build:kernels` from kernel.as.ts; do not edit.',
    '',
    '/** The WebAssembly of kernel.as.ts in base64. */',
    'export const KERNEL =',
    `  ${lines.map(line => `'${line}'`).join(' +\n  ')}`,
    '',
  ].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const module = await compileKernel()
  writeFileSync(`${folder}kernel.ts`, module)
  console.log(`src/detect/fixed-point/kernel.ts: ${module.length} bytes.`)
}
