/** Photos for those who have none at hand. They come with a development dependency of this repository, and are no part of it. */
const FILES = [
  new URL('../../../../node_modules/@vladmandic/face-api/demo/sample1.jpg', import.meta.url),
  new URL('../../../../node_modules/@vladmandic/face-api/demo/sample2.jpg', import.meta.url),
  new URL('../../../../node_modules/@vladmandic/face-api/demo/sample3.jpg', import.meta.url),
  new URL('../../../../node_modules/@vladmandic/face-api/demo/sample4.jpg', import.meta.url),
  new URL('../../../../node_modules/@vladmandic/face-api/demo/sample5.jpg', import.meta.url),
  new URL('../../../../node_modules/@vladmandic/face-api/demo/sample6.jpg', import.meta.url),
]

/** Six photos of four people each. */
export const SAMPLES = FILES.length

/** One of them, from 0. */
export async function sample(number: number): Promise<File> {
  const response = await fetch(FILES[number])
  return new File([await response.blob()], `sample ${number + 1}.jpg`, { type: 'image/jpeg' })
}

export function allSamples(): Promise<File[]> {
  return Promise.all(FILES.map((_, number) => sample(number)))
}
