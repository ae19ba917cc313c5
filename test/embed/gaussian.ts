import type { Random } from '../random.ts'

/** Normally distributed numbers (Box and Muller) from a seeded generator. */
export function gaussian({ float }: Random): (mean?: number, deviation?: number) => number {
  return (mean = 0, deviation = 1) =>
    mean + deviation * Math.sqrt(-2 * Math.log(1 - float())) * Math.cos(2 * Math.PI * float())
}

/** Embeddings of `people`, `pictures` each: unit vectors around a direction of each person's own, `noise` apart. */
export function facesOf(
  random: Random,
  { people, pictures, dimension, noise }: { people: number; pictures: number; dimension: number; noise: number },
): { vectors: Float32Array[]; subjects: string[] } {
  const normal = gaussian(random)
  const vectors: Float32Array[] = []
  const subjects: string[] = []
  for (let person = 0; person < people; person++) {
    const centre = unit(Float32Array.from({ length: dimension }, () => normal()))
    for (let picture = 0; picture < pictures; picture++) {
      vectors.push(unit(centre.map(value => value + normal(0, noise / Math.sqrt(dimension)))))
      subjects.push(`person ${person}`)
    }
  }
  return { vectors, subjects }
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector)
  return vector.map(value => value / length)
}
