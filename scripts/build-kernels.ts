/**
 * Compiles the WebAssembly kernels from AssemblyScript (`*.as.ts`) into modules that hold their bytes (`kernel.ts`), which are in git so
 * that nothing needs a compiler but who changes them. `npm run build:kernels` after a change.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const root = fileURLToPath(new URL('../', import.meta.url))

/** Folders with a kernel, and the file in each that the others are part of. */
export const kernels = [
  { folder: 'src/detect/fixed-point', entry: 'kernel.as.ts' },
  { folder: 'src/store/kernel', entry: 'dots.as.ts' },
] as const

/** The WebAssembly of an AssemblyScript file. */
export async function compile(folder: string, entry: string): Promise<Uint8Array<ArrayBuffer>> {
  // The compiler gives a name without an ending its own, `.ts`.
  const read = (name: string): string | null => {
    const path = join(root, folder, name.replace(/^\.\//, ''))
    return existsSync(path) ? readFileSync(path, 'utf8') : null
  }
  let bytes = new Uint8Array()
  const { error, stderr } = await asc.main(
    [entry, '--outFile', 'kernel.wasm', '-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd'],
    {
      readFile: read,
      writeFile: (_, contents) => {
        bytes = contents as Uint8Array<ArrayBuffer>
      },
      listFiles: () => [],
    },
  )
  if (error) throw new Error(`${entry} does not compile: ${stderr.toString()}`)
  return bytes
}

/** The module for a kernel: TypeScript that exports the WebAssembly as base64. */
export async function compileKernel({ folder, entry }: (typeof kernels)[number]): Promise<string> {
  const bytes = await compile(folder, entry)
  const base64 = Buffer.from(bytes).toString('base64')
  const lines = base64.match(/.{1,116}/g) ?? []
  return [
    `// Made by \`npm run build:kernels\` from ${entry}; do not edit.`,
    '',
    `/** The WebAssembly of ${entry} in base64. */`,
    'export const KERNEL =',
    `  ${lines.map(line => `'${line}'`).join(' +\n  ')}`,
    '',
  ].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const kernel of kernels) {
    const module = await compileKernel(kernel)
    writeFileSync(join(root, kernel.folder, 'kernel.ts'), module)
    console.log(`${kernel.folder}/kernel.ts: ${module.length} bytes.`)
  }
}
