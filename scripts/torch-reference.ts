/**
 * `npm run test:torch`: holds the readers of foreign weights against PyTorch itself. Installs PyTorch, lets it write files and compute
 * embeddings (`torch-reference.py`), and runs the tests that compare.
 *
 *   npm run test:torch               all of it
 *   npm run test:torch -- --write    only writes the small files that are committed under test/models/weights/fixtures;
 *                                    `npm run format` after that
 *
 * The first run installs PyTorch from pip's index into `node_modules/.cache`: about 3 GB to fetch and 5 GB on disk, for the wheels there
 * come with CUDA. `PIP_INDEX_URL` names an index with wheels for the CPU alone; `FACEWISE_PYTHON` names a Python that has `torch` and
 * `numpy` already, and nothing is installed then.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGES = ['torch==2.15.0', 'numpy==2.4.6']

const root = fileURLToPath(new URL('..', import.meta.url))
const cache = join(root, 'node_modules', '.cache', 'facewise-torch')
const fixtures = join(root, 'test', 'models', 'weights', 'fixtures')
const script = join(root, 'scripts', 'torch-reference.py')

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env })
  if (status === 0) return
  console.error(`\n${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}.`)
  process.exit(1)
}

/** A Python with PyTorch. */
function python(): string {
  const given = process.env.FACEWISE_PYTHON
  if (given) return given
  const environment = join(cache, 'venv')
  const [folder, suffix] = process.platform === 'win32' ? ['Scripts', '.exe'] : ['bin', '']
  const installed = join(environment, folder, `python${suffix}`)
  // Written last, so that an installation that broke off is done again.
  const done = join(environment, PACKAGES.join('-'))
  if (!existsSync(done)) {
    console.log(`Installing ${PACKAGES.join(' and ')} into ${environment} ...`)
    rmSync(environment, { recursive: true, force: true })
    mkdirSync(cache, { recursive: true })
    run(process.platform === 'win32' ? 'python' : 'python3', ['-m', 'venv', environment])
    run(installed, ['-m', 'pip', 'install', '--quiet', '--no-compile', '--disable-pip-version-check', ...PACKAGES])
    mkdirSync(done)
  }
  return installed
}

const interpreter = python()
if (process.argv.includes('--write')) {
  run(interpreter, ['-W', 'ignore', script, 'fixture', fixtures])
} else {
  const reference = join(cache, 'reference')
  for (const kind of ['fixture', 'facenet']) run(interpreter, ['-W', 'ignore', script, kind, reference])
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  run(process.execPath, [vitest, 'run', '--project', 'node', 'test/models/weights'], {
    ...process.env,
    FACEWISE_TORCH_REFERENCE: reference,
  })
}
