import { type Engine, startBackend } from '../../src/backends/index.ts'
import { type Samples, vectorSamples } from '../../src/train/index.ts'
import { type Random, random } from '../random.ts'

/** WebAssembly and plain JavaScript: what every machine has. */
export const wasm = (): Promise<Engine> => startBackend({ prefer: 'wasm', threads: false })
export const cpu = (): Promise<Engine> => startBackend({ prefer: 'cpu' })

export function unit(values: readonly number[]): number[] {
  const length = Math.hypot(...values)
  return values.map(value => value / length)
}

/** A standard normal number. */
const normal = ({ float }: Random): number => Math.sqrt(-2 * Math.log(1 - float())) * Math.cos(2 * Math.PI * float())

/**
 * People whose pictures differ by a nuisance that is larger than what tells people apart: each vector is the person in the first half
 * of the dimensions and noise, stronger, in the second. A linear map that drops the second half recognises everybody.
 */
export function toyPeople(people: number, pictures: number, seed: number, dimension = 8, strength = 1.5): Samples {
  const numbers = random(seed)
  const half = dimension / 2
  const vectors: number[][] = []
  const names: string[] = []
  for (let person = 0; person < people; person++) {
    const own = Array.from({ length: half }, () => normal(numbers))
    for (let picture = 0; picture < pictures; picture++) {
      const here = own.map(value => value + 0.1 * normal(numbers))
      vectors.push(unit([...here, ...own.map(() => strength * normal(numbers))]))
      names.push(`person-${seed}-${person}`)
    }
  }
  return vectorSamples(vectors, names)
}
