#!/usr/bin/env node
// Builds the native (libtensorflow) backend of TensorFlow.js, @tensorflow/tfjs-node, without its prebuilt binaries.
//
// The package's own install script downloads libtensorflow and a ready addon from a storage bucket. Where that bucket
// cannot be reached, or where install scripts are switched off, the same result can be had from package registries
// alone: the npm package carries the addon's C++ sources, the tensorflow-cpu wheel on PyPI carries the C library and
// its headers, and the addon speaks only Node-API, so one C++ compiler call replaces node-gyp.
//
//   node scripts/native-backend.mjs [--dir DIR] [--wheel FILE] [--force]
//
//   --dir DIR     the project to install into (default: the current directory)
//   --wheel FILE  a wheel that was downloaded beforehand; pip is not used then
//   --force       build again even if everything is in place

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { access, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { createInflateRaw } from 'node:zlib'

const TFJS_NODE = '@tensorflow/tfjs-node'
const TFJS_VERSION = '4.22.0'
const HEADERS = 'node-api-headers'
const HEADERS_VERSION = '1.9.0'

// tfjs-node was written against the C API of TensorFlow 2.9. Wheels before 2.12 keep the C API inside a Python
// extension that cannot be loaded without a Python interpreter; 2.12 is the first with a plain libtensorflow_cc, and
// so the nearest that fits. The Python version in the wheel's name does not matter: no Python code is used.
const TENSORFLOW_VERSION = '2.12.1'
const WHEEL = {
  name: `tensorflow_cpu-${TENSORFLOW_VERSION}-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl`,
  sha256: 'd05b8268da5bd87cf43d46da177e3b3ca39f2db0437e56c5e18351db4cde8679',
  page: `https://pypi.org/project/tensorflow-cpu/${TENSORFLOW_VERSION}/#files`,
}

const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']
const HEADER_FOLDERS = ['tensorflow/c/', 'tensorflow/core/platform/ctstring', 'tensorflow/tsl/']

// Raise when the build changes, so that an earlier result is built again.
const BUILD = 1

class Problem extends Error {}

const say = text => console.log(text)
const exists = file =>
  access(file).then(
    () => true,
    () => false,
  )
const megabytes = bytes => `${Math.round(bytes / 1e6)} MB`
const indent = text => text.trim().replace(/^/gm, '    ')

/** Runs a program quietly; its output is shown only if it fails. */
function runTool(command, args, { what, hint, ...options }) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26, ...options })
  if (result.status === 0) return result.stdout
  const output = `${result.stdout ?? ''}\n${result.stderr ?? ''}`.trim().split('\n').slice(-25).join('\n')
  const how = result.error?.message ?? (result.signal ? `ended by ${result.signal}` : `exit status ${result.status}`)
  const advice = typeof hint === 'function' ? hint(result) : hint
  throw new Problem([`${what} failed (${how}).`, output && indent(output), advice].filter(Boolean).join('\n'))
}

/** The first of several commands that answers to --version, or undefined. */
function firstWorking(candidates) {
  return candidates.find(([command, ...args]) => spawnSync(command, [...args, '--version']).status === 0)
}

function checkPlatform() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Problem(
      `This script knows only Linux on x64; this is ${process.platform} on ${process.arch}.\n` +
        `Elsewhere, try the package's own installer: npm install ${TFJS_NODE}@${TFJS_VERSION}`,
    )
  }
  // The wheel is linked against glibc; on musl (Alpine) the library would not load.
  if (!process.report.getReport().header.glibcVersionRuntime) {
    throw new Problem('TensorFlow needs glibc, which this system does not use (musl, as on Alpine, does not work).')
  }
}

function findCompiler() {
  const named = process.env.CXX?.trim().split(/\s+/)
  const compiler = firstWorking(named?.[0] ? [named] : [['c++'], ['g++'], ['clang++']])
  if (compiler) return compiler
  throw new Problem(
    named?.[0]
      ? `The C++ compiler named by CXX (${named.join(' ')}) does not run.`
      : 'No C++ compiler found. Install one (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++), or name\n' +
          'yours in the CXX environment variable.',
  )
}

function findPip() {
  const pip = firstWorking([['python3', '-m', 'pip'], ['pip3'], ['pip'], ['python', '-m', 'pip']])
  if (pip) return pip
  throw new Problem(
    'No pip found to fetch the TensorFlow library. Install it (Debian, Ubuntu: apt install python3-pip), or download\n' +
      `  ${WHEEL.name}\nfrom ${WHEEL.page} by hand and pass it with --wheel FILE.`,
  )
}

/** The folder and version that Node would take for a package, seen from a folder. */
async function locate(name, from) {
  for (let folder = path.resolve(from); ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name)
    try {
      const { version } = JSON.parse(await readFile(path.join(candidate, 'package.json'), 'utf8'))
      return { folder: candidate, version }
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
    }
    if (folder === path.dirname(folder)) return undefined
  }
}

/**
 * The project must have tfjs-core, and in the version that tfjs-node was made for: a backend can only register itself
 * with the copy of tfjs-core that the project computes with.
 */
async function checkCore(dir) {
  const core = await locate('@tensorflow/tfjs-core', dir)
  if (!core) {
    throw new Problem(
      `No @tensorflow/tfjs-core in ${dir}. Install the project's dependencies first (npm install), or name the\n` +
        'project with --dir DIR.',
    )
  }
  if (core.version !== TFJS_VERSION) {
    throw new Problem(
      `${TFJS_NODE} ${TFJS_VERSION} needs @tensorflow/tfjs-core ${TFJS_VERSION}; ${dir} has ${core.version}.\n` +
        `Run: npm install @tensorflow/tfjs-core@${TFJS_VERSION}`,
    )
  }
}

/**
 * Installs packages in a folder of their own.
 *
 * "npm install --no-save" in the project would be shorter, but it also removes whatever package.json does not name
 * and may update what it does name. So npm works in a scratch folder, and the project gains one folder only.
 */
function npmInstall(folder, packages) {
  const quiet = ['--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error']
  // --prefix, because "npm run" tells its children the project's folder through the environment.
  runTool('npm', ['install', '--prefix', folder, ...quiet, ...packages], {
    cwd: folder,
    what: 'npm install',
    hint: 'Check that npm can reach its registry.',
  })
}

/**
 * Turns npm's flat node_modules into one self-contained package folder: what tfjs-node needs goes below it, except
 * the @tensorflow packages that the project has in the same version. Those must be shared, not doubled.
 */
async function nestDependencies(modules, dir) {
  const packageDir = path.join(modules, TFJS_NODE)
  const nested = path.join(packageDir, 'node_modules')
  // What npm itself nested below tfjs-node (because versions differ) stays where it is and wins over the rest.
  await mkdir(path.join(nested, '@tensorflow'), { recursive: true })
  const shared = []
  const scope = path.join(modules, '@tensorflow')
  for (const name of await readdir(scope)) {
    const full = `@tensorflow/${name}`
    if (full === TFJS_NODE) continue
    const { version } = JSON.parse(await readFile(path.join(scope, name, 'package.json'), 'utf8'))
    if ((await locate(full, dir))?.version === version) shared.push(full)
    else await rename(path.join(scope, name), path.join(nested, '@tensorflow', name))
  }
  for (const name of await readdir(modules)) {
    // Dot entries are npm's own: its list of what is installed, and links to command-line tools.
    if (name.startsWith('.') || name === '@tensorflow' || name === HEADERS) continue
    if (await exists(path.join(nested, name))) {
      throw new Problem(`Unexpected layout: ${name} was installed twice below ${TFJS_NODE}.`)
    }
    await rename(path.join(modules, name), path.join(nested, name))
  }
  return shared
}

/** Node 23 removed util.isNullOrUndefined, which tfjs-node still calls in a few places. */
async function patchSources(packageDir) {
  const files = ['dist/nodejs_kernel_backend.js', 'dist/kernels/TopK.js']
  let patched = 0
  for (const file of files) {
    const full = path.join(packageDir, file)
    const before = await readFile(full, 'utf8')
    const after = before.replace(/\(0, util_\d+\.isNullOrUndefined\)\((\w+)\)/g, '($1 == null)')
    if (after === before) continue
    await writeFile(full, after)
    patched++
  }
  return patched
}

async function sha256(file) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

async function fetchWheel(pip, scratch) {
  const [command, ...args] = pip
  const target = ['--python-version=3.10', '--implementation=cp', '--abi=cp310', '--platform=manylinux2014_x86_64']
  const download = ['download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check', ...target]
  runTool(command, [...args, ...download, '--dest', scratch, `tensorflow-cpu==${TENSORFLOW_VERSION}`], {
    what: 'pip download',
    hint:
      'Check that pip can reach its index (PIP_INDEX_URL), or download\n' +
      `  ${WHEEL.name}\nfrom ${WHEEL.page} by hand and pass it with --wheel FILE.`,
  })
  const wheels = (await readdir(scratch)).filter(name => name.endsWith('.whl'))
  if (wheels.length !== 1) throw new Problem(`pip downloaded ${wheels.length} wheels where one was expected.`)
  return path.join(scratch, wheels[0])
}

async function checkWheel(wheel) {
  const actual = await sha256(wheel)
  if (actual === WHEEL.sha256) return
  throw new Problem(
    `${path.basename(wheel)} is not the file this script was written for, so it was not used.\n` +
      `  expected sha256 ${WHEEL.sha256}\n  found    sha256 ${actual}\n  expected file   ${WHEEL.name}`,
  )
}

/** Lists a zip file's members. Read here, so that no unzip program is needed; a wheel this size has no zip64 parts. */
async function zipMembers(handle) {
  const { size } = await handle.stat()
  const tail = Buffer.alloc(Math.min(size, 65557))
  await handle.read(tail, 0, tail.length, size - tail.length)
  const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  if (end < 0) throw new Problem('The wheel is not a zip file.')
  const directory = Buffer.alloc(tail.readUInt32LE(end + 12))
  await handle.read(directory, 0, directory.length, tail.readUInt32LE(end + 16))
  const members = []
  for (let at = 0; at + 46 <= directory.length; ) {
    const nameLength = directory.readUInt16LE(at + 28)
    members.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameLength),
      deflated: directory.readUInt16LE(at + 10) === 8,
      compressedSize: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    })
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  return members
}

async function unpackMember(wheel, handle, member, target) {
  await mkdir(path.dirname(target), { recursive: true })
  if (member.compressedSize === 0) return writeFile(target, '')
  const header = Buffer.alloc(30)
  await handle.read(header, 0, 30, member.offset)
  const start = member.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
  const source = createReadStream(wheel, { start, end: start + member.compressedSize - 1 })
  const stages = member.deflated ? [source, createInflateRaw()] : [source]
  await pipeline(...stages, createWriteStream(target))
  if ((await stat(target)).size !== member.size) throw new Problem(`${member.name} was not unpacked completely.`)
}

/** Unpacks only the two libraries and the C headers, to the folders that binding.gyp names. */
async function unpackWheel(wheel, deps) {
  const handle = await open(wheel)
  let bytes = 0
  try {
    for (const member of await zipMembers(handle)) {
      const inner = member.name.replace(/^tensorflow\//, '')
      const header = inner.startsWith('include/') ? inner.slice('include/'.length) : undefined
      let target
      if (LIBRARIES.includes(inner)) target = path.join(deps, 'lib', inner)
      else if (header?.endsWith('.h') && HEADER_FOLDERS.some(folder => header.startsWith(folder))) {
        target = path.join(deps, 'include', header)
      } else continue
      await unpackMember(wheel, handle, member, target)
      bytes += member.size
    }
  } finally {
    await handle.close()
  }
  return bytes
}

/** What binding.gyp describes, as one compiler call. */
async function compileAddon([command, ...args], packageDir, headers, addon) {
  await mkdir(path.dirname(addon), { recursive: true })
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map(file => path.join(packageDir, 'binding', file))
  const libraries = path.join(packageDir, 'deps', 'lib')
  const flags = ['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8']
  const include = [`-I${path.join(headers, 'include')}`, `-I${path.join(packageDir, 'deps', 'include')}`]
  const link = [
    ...LIBRARIES.map(file => path.join(libraries, file)),
    // Relative to the addon, so that the project can be moved.
    '-Wl,-rpath,$ORIGIN/../../deps/lib',
  ]
  runTool(command, [...args, ...flags, ...include, ...sources, ...link, '-o', addon], {
    what: 'Compiling the addon',
    hint: 'The compiler must know C++17 (gcc 8 or clang 7, or newer).',
  })
}

// Runs in a process of its own, since a library that does not fit the machine ends the process.
const SMOKE_TEST = `
  const core = require('@tensorflow/tfjs-core')
  const tf = require('${TFJS_NODE}')
  const check = (what, actual, expected) => {
    const wrong = actual.length !== expected.length || expected.some((x, i) => !(Math.abs(actual[i] - x) < 1e-5))
    if (wrong) throw new Error(what + ': ' + Array.from(actual) + ' instead of ' + expected)
  }
  if (core.getBackend() !== 'tensorflow') throw new Error('tfjs-node registered with another copy of tfjs-core')
  if (tf.Tensor !== core.Tensor) throw new Error('tfjs-node uses another copy of tfjs-core')
  check('matMul', core.matMul(core.tensor2d([[1, 2], [3, 4]]), core.tensor2d([[5, 6], [7, 8]])).dataSync(),
    [19, 22, 43, 50])
  const image = core.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1])
  check('conv2d', core.conv2d(image, core.ones([2, 2, 1, 1]), 1, 'valid').dataSync(), [12, 16, 24, 28])
  const fused = { x: image, filter: core.ones([1, 1, 1, 1]), strides: 1, pad: 'same', bias: core.tensor1d([-5]) }
  check('fused conv2d', core.fused.conv2d({ ...fused, activation: 'prelu',
    preluActivationWeights: core.tensor1d([0.5]) }).dataSync(), [-2, -1.5, -1, -0.5, 0, 1, 2, 3, 4])
  check('topk', core.topk(core.tensor1d([3, 9, 4]), 2).values.dataSync(), [9, 4])
  process.stdout.write(tf.version['tfjs-core'])
`

function smokeTest(dir) {
  // Hides the library's remarks about the processor, which would look like a fault.
  const env = { TF_CPP_MIN_LOG_LEVEL: '2', ...process.env }
  runTool(process.execPath, ['--no-deprecation', '--input-type=commonjs', '-e', SMOKE_TEST], {
    cwd: dir,
    env,
    what: 'The test of the built backend',
    hint: ({ signal }) => signal === 'SIGILL' && 'The processor probably lacks AVX, which the library needs.',
  })
}

async function isDone(packageDir, stamp) {
  const needed = [path.join('lib', 'napi-v8', 'tfjs_binding.node'), ...LIBRARIES.map(file => `deps/lib/${file}`)]
  for (const file of needed) if (!(await exists(path.join(packageDir, file)))) return false
  return (await readFile(path.join(packageDir, 'deps', 'build.json'), 'utf8').catch(() => '')) === stamp
}

async function main() {
  const { values } = parseArgs({
    options: { dir: { type: 'string' }, wheel: { type: 'string' }, force: { type: 'boolean' } },
  })
  const dir = path.resolve(values.dir ?? '.')
  const modules = path.join(dir, 'node_modules')
  const finalDir = path.join(modules, TFJS_NODE)
  const stamp = `${JSON.stringify({ build: BUILD, tensorflow: TENSORFLOW_VERSION, wheel: WHEEL.sha256 })}\n`

  checkPlatform()
  await checkCore(dir)
  const present = await stat(finalDir).catch(() => undefined)
  if (present) {
    const { version } = JSON.parse(await readFile(path.join(finalDir, 'package.json'), 'utf8'))
    if (version !== TFJS_VERSION) {
      throw new Problem(`${finalDir} holds version ${version}, not ${TFJS_VERSION}. Remove it and run this again.`)
    }
    if (!values.force && (await isDone(finalDir, stamp))) {
      say(`The native backend is in place (${TFJS_NODE} ${TFJS_VERSION}, TensorFlow ${TENSORFLOW_VERSION}).`)
      say('Nothing to do; --force builds it again.')
      return
    }
  }

  const compiler = findCompiler()
  const pip = values.wheel ? undefined : findPip()
  if (values.wheel && !(await exists(values.wheel))) throw new Problem(`There is no file ${values.wheel}`)
  const started = Date.now()
  // Inside node_modules, so that moving the result into place is a rename on the same disk; dot folders there are
  // left alone by npm. A folder left by a run that was cut off is of no use.
  const scratch = path.join(modules, '.native-backend')
  await rm(scratch, { recursive: true, force: true })
  await mkdir(scratch, { recursive: true })
  try {
    await writeFile(path.join(scratch, 'package.json'), '{ "private": true }\n')
    const scratchModules = path.join(scratch, 'node_modules')
    const headers = path.join(scratchModules, HEADERS)
    let packageDir = finalDir
    if (present) {
      npmInstall(scratch, [`${HEADERS}@${HEADERS_VERSION}`])
      say(`Found ${TFJS_NODE} ${TFJS_VERSION}`)
    } else {
      npmInstall(scratch, [`${TFJS_NODE}@${TFJS_VERSION}`, `${HEADERS}@${HEADERS_VERSION}`])
      packageDir = path.join(scratchModules, TFJS_NODE)
      const shared = await nestDependencies(scratchModules, dir)
      say(`Fetched ${TFJS_NODE} ${TFJS_VERSION}; it shares the project's ${shared.join(', ')}`)
    }

    const wheel = values.wheel ? path.resolve(values.wheel) : await fetchWheel(pip, scratch)
    await checkWheel(wheel)
    const verb = values.wheel ? 'Took' : 'Fetched'
    say(`${verb} TensorFlow ${TENSORFLOW_VERSION} (${megabytes((await stat(wheel)).size)}), checksum is right`)

    const patched = await patchSources(packageDir)
    if (patched) say(`Replaced util.isNullOrUndefined in ${patched} files, for Node 23 and newer`)
    const deps = path.join(packageDir, 'deps')
    await rm(deps, { recursive: true, force: true })
    say(`Unpacked the library (${megabytes(await unpackWheel(wheel, deps))})`)

    // The "8" is the Node-API version; tfjs-node looks for its addon in a folder of that name on every Node here.
    const addon = path.join(packageDir, 'lib', 'napi-v8', 'tfjs_binding.node')
    await rm(addon, { force: true })
    await compileAddon(compiler, packageDir, headers, addon)
    say(`Compiled the addon with ${compiler.join(' ')}`)

    if (!present) {
      await mkdir(path.dirname(finalDir), { recursive: true })
      await rename(packageDir, finalDir)
    }
    smokeTest(dir)
    // Written last: a run that was cut off, or a failed test, does not count as done.
    await writeFile(path.join(finalDir, 'deps', 'build.json'), stamp)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  say(`Tested matMul, conv2d, fused conv2d and topk; done in ${Math.round((Date.now() - started) / 1000)} s.`)
  say(`Use it with: import '${TFJS_NODE}' (backend name: 'tensorflow')`)
  if (!present)
    say('npm removes what package.json does not name: after an npm install or npm ci, run this script again.')
}

try {
  await main()
} catch (error) {
  if (!(error instanceof Problem) && !error?.code?.startsWith?.('ERR_PARSE_ARGS')) throw error
  console.error(error.message)
  process.exitCode = 1
}
