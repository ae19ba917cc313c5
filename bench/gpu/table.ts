import { row } from '../timing.ts'
import type { CaseName, FoundFace, Parts, Sent } from './results.ts'

const LEARNING = { head128: 'head of 128 numbers', head512: 'head of 512', network: 'small network' } as const

type Measured = ReadonlyMap<CaseName, Partial<Parts>>

/** Prints what was measured, and for each backend how far its results lie from those of WebAssembly. */
export function printTable(sent: readonly Sent[]): void {
  const all: Measured = new Map(
    [...new Set(sent.map(({ case: name }) => name))].map(name => [
      name,
      Object.fromEntries(
        sent.filter(one => one.case === name && one.value !== undefined).map(({ part, value }) => [part, value]),
      ) as Partial<Parts>,
    ]),
  )
  printEnvironment(all)
  printChoices(sent)
  const cases = [...all].filter(([name]) => !name.startsWith('choice'))
  const reference = { ...all.get('wasm-threads'), ...all.get('wasm') }
  printTimes(cases)
  printAgreement(cases, reference)
  printMemory(cases)
  printLearning(cases, reference)
  for (const { case: name, part, error } of sent) if (error) console.log(`\n${name}, ${part}: ${error}`)
}

type Case = readonly [name: CaseName, parts: Partial<Parts>]

function printEnvironment(all: Measured): void {
  const environment = [...all.values()].find(parts => parts.environment)?.environment
  if (!environment) return
  const { browser, cores, isolated, webgpu, webgl } = environment
  console.log(`\n${browser}, ${cores} cores, ${isolated ? '' : 'not '}cross-origin isolated`)
  console.log(`WebGPU: ${webgpu}\nWebGL: ${webgl}`)
  if (/swiftshader|llvmpipe|lavapipe|software/i.test(webgpu + webgl)) {
    console.log('DRAWN IN SOFTWARE: what follows says nothing of a graphics card.')
  }
}

function printChoices(sent: readonly Sent[]): void {
  const choices = sent
    .filter(({ part, value }) => part === 'choice' && value)
    .map(({ value }) => value as Parts['choice'])
  for (const { ms, report } of choices) {
    const threads = report.threads ? `, threads: ${report.threads}` : ''
    console.log(`\nOwn choice, ${ms.toFixed(0)} ms: ${report.chosen}${threads}`)
    for (const { name, outcome, startMs, probeMs, firstMs } of report.attempts) {
      console.log(
        `  ${name} ${outcome}; start ${fixed(startMs, 0)} ms, measured ${fixed(probeMs, 2)} ms, first ${fixed(firstMs, 0)} ms`,
      )
    }
  }
}

function printTimes(cases: readonly Case[]): void {
  const sizes = cases.find(([, { detect }]) => detect)?.[1].detect?.sizes ?? []
  const photos = sizes.length / 2
  const lines: [name: string, of: (parts: Partial<Parts>) => number | undefined, digits?: number][] = [
    ['start', ({ first }) => first?.startMs, 0],
    ['first detect, with loading', ({ first }) => first?.first[0], 0],
    ['first represent', ({ first }) => first?.first[1], 0],
    ['first describe', ({ first }) => first?.first[2], 0],
    ['second of each', ({ first }) => first?.second.reduce((a, b) => a + b), 0],
    ...sizes.map((size, i): (typeof lines)[number] => [
      `detect, photo ${(i % photos) + 1}, ${size}, first`,
      ({ detect }) => detect?.firstMs[i],
      0,
    ]),
    ...sizes.map((size, i): (typeof lines)[number] => [
      `detect, photo ${(i % photos) + 1}, ${size}`,
      ({ detect }) => detect?.ms[i],
    ]),
    ['4096 numbers there and back', ({ roundTrip }) => roundTrip?.ms, 2],
    ['track, a frame followed', ({ track }) => track?.followed],
    ['track, a frame searched', ({ track }) => track?.searched],
    ['embed 1', ({ embed }) => embed?.one],
    ['embed 8', ({ embed }) => embed?.eight],
    ['embed 32', ({ embed }) => embed?.many],
    ['describe photo 1', ({ describe }) => describe?.ms],
    ['FaceNet-512, load', ({ facenet }) => facenet?.loadMs, 0],
    ['FaceNet-512, 1', ({ facenet }) => facenet?.one],
    ['FaceNet-512, 8', ({ facenet }) => facenet?.eight],
    ['FaceNet-512, 32', ({ facenet }) => facenet?.many],
  ]
  heading('Milliseconds', cases)
  for (const [name, of, digits = 1] of lines) line(name, cases, parts => fixed(of(parts), digits))
}

function printAgreement(cases: readonly Case[], reference: Partial<Parts>): void {
  heading('Largest difference to WebAssembly', cases)
  line('faces found', cases, ({ detect }) => String(detect?.faces.flat().length ?? '-'))
  const of = (value: (face: FoundFace) => readonly number[]) => (parts: Partial<Parts>) =>
    difference(
      parts.detect?.faces.map(faces => faces.flatMap(value)),
      reference.detect?.faces.map(faces => faces.flatMap(value)),
    )
  line(
    'boxes, pixels',
    cases,
    of(face => face.box),
  )
  line(
    'landmarks, pixels',
    cases,
    of(face => face.points),
  )
  line(
    'scores',
    cases,
    of(face => [face.score]),
  )
  line('embeddings', cases, ({ embed }) => difference(embed?.embeddings, reference.embed?.embeddings))
  line('attributes', cases, ({ describe }) => difference(describe?.numbers, reference.describe?.numbers))
  line('FaceNet-512', cases, ({ facenet }) => difference(facenet?.embeddings, reference.facenet?.embeddings))
}

function printMemory(cases: readonly Case[]): void {
  heading('Memory before and after so many detections with embeddings', cases)
  line('calls', cases, ({ memory }) => String(memory?.calls ?? '-'))
  line('tensors', cases, ({ memory }) => (memory ? `${memory.before.tensors} ${memory.after.tensors}` : '-'))
  line('MB of tensors', cases, ({ memory }) => megabytes(memory?.before.bytes, memory?.after.bytes))
  line('MB of the GPU', cases, ({ memory }) => megabytes(memory?.before.gpuBytes, memory?.after.gpuBytes))
}

function printLearning(cases: readonly Case[], reference: Partial<Parts>): void {
  heading('Learning', cases)
  for (const [part, name] of Object.entries(LEARNING) as [keyof typeof LEARNING, string][]) {
    line(`${name}, first epoch, ms`, cases, parts => fixed(parts[part]?.firstMs, 0))
    line('  epochs a second', cases, parts => fixed(parts[part]?.epochsPerSecond, 2))
    line('  samples a second', cases, parts => fixed(parts[part]?.perSecond, 0))
    line('  loss, first epoch', cases, parts => fixed(parts[part]?.losses[0], 6))
    line('  loss, last', cases, parts => fixed(parts[part]?.losses.at(-1), 6))
    line('  largest difference', cases, parts => {
      const [mine, other] = [parts[part]?.losses, reference[part]?.losses]
      return difference(mine && [mine], other && [other])
    })
  }
}

const FIRST_COLUMN = 38

function heading(title: string, cases: readonly Case[]): void {
  console.log(`\n${title}`)
  line('', cases, undefined)
}

function line(name: string, cases: readonly Case[], of: ((parts: Partial<Parts>) => string) | undefined): void {
  const cells = cases.map(([each, parts]) => (of ? of(parts) : each))
  if (cells.every(cell => cell === '-')) return
  process.stdout.write(name.padEnd(FIRST_COLUMN))
  row(cells)
}

const fixed = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? '-'

const megabytes = (before: number | undefined, after: number | undefined): string =>
  before === undefined || after === undefined ? '-' : `${(before / 1e6).toFixed(1)} ${(after / 1e6).toFixed(1)}`

/** The largest difference of two lists of rows; words where they do not have the same shape. */
function difference(
  a: readonly (readonly number[])[] | undefined,
  b: readonly (readonly number[])[] | undefined,
): string {
  if (!a || !b) return '-'
  if (a.length !== b.length || a.some((each, i) => each.length !== b[i].length)) return 'OTHERS'
  const largest = Math.max(...a.map((each, i) => Math.max(0, ...each.map((value, k) => Math.abs(value - b[i][k])))))
  return largest.toExponential(1)
}
