import { describe, expect, it } from 'vitest'
import { commands } from 'vitest/browser'
import { decode } from '../../src/image/index.ts'

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), c => c.charCodeAt(0))

/** The largest difference of a byte. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]))
  return most
}

describe('decoding in a browser', () => {
  it.each([
    ...[1, 2, 3, 4, 5, 6, 7, 8].map(orientation => ({ kind: 'jpeg', orientation, within: 2 })),
    { kind: 'png', orientation: 1, within: 0 },
    { kind: 'png-alpha', orientation: 1, within: 1 },
    { kind: 'png-grey', orientation: 1, within: 0 },
    { kind: 'png-16', orientation: 1, within: 1 },
    { kind: 'webp', orientation: 1, within: 2 },
    { kind: 'gif', orientation: 1, within: 0 },
    { kind: 'avif', orientation: 1, within: 3 },
  ])('gives the pixels that Node gives: $kind $orientation', async ({ kind, orientation, within }) => {
    const { encoded, expected } = await commands.pictureInNode(kind, orientation)
    const picture = await decode(bytesOf(encoded))
    expect([picture.width, picture.height]).toEqual([expected.width, expected.height])
    expect(difference(picture.data, bytesOf(expected.data))).toBeLessThanOrEqual(within)
  })

  it('reads a Blob, a File, a data: and a blob: address, an <img>, a canvas, an ImageBitmap, a VideoFrame, ImageData alike', async () => {
    const { encoded } = await commands.pictureInNode('png', 1)
    const bytes = bytesOf(encoded)
    const blob = new Blob([bytes as BlobPart], { type: 'image/png' })
    const expected = await decode(bytes)
    const url = URL.createObjectURL(blob)
    const image = new Image()
    image.src = url
    const bitmap = await createImageBitmap(blob)
    const canvas = document.createElement('canvas')
    canvas.width = bitmap.width
    canvas.height = bitmap.height
    const context = canvas.getContext('2d')!
    context.drawImage(bitmap, 0, 0)
    const offscreen = new OffscreenCanvas(bitmap.width, bitmap.height)
    offscreen.getContext('2d')!.drawImage(bitmap, 0, 0)
    const frame = new VideoFrame(canvas, { timestamp: 0 })
    const inputs = {
      blob,
      file: new File([bytes as BlobPart], 'a.png'),
      data: `data:image/png;base64,${encoded}`,
      url,
      image,
      bitmap,
      canvas,
      offscreen,
      frame,
      imageData: context.getImageData(0, 0, canvas.width, canvas.height),
    }
    for (const [name, input] of Object.entries(inputs)) {
      const picture = await decode(input)
      expect([name, picture.width, picture.height]).toEqual([name, expected.width, expected.height])
      expect(difference(picture.data, expected.data), name).toBeLessThanOrEqual(name === 'frame' ? 2 : 0)
    }
    frame.close()
  })

  it('refuses what is no whole picture with an error that has a code', async () => {
    const { encoded } = await commands.pictureInNode('jpeg', 1)
    const bytes = bytesOf(encoded)
    await expect(decode(new Uint8Array(0))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
    await expect(decode(new TextEncoder().encode('no picture'))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
    // Within the headers, and within the last of the picture's own data.
    await expect(decode(bytes.slice(0, bytes.length >> 1))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
    await expect(decode(bytes.slice(0, bytes.length - 20))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
    await expect(decode(bytes, { maxPixels: 100 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
    await expect(decode('/no/such/picture.jpg?')).rejects.toMatchObject({ code: expect.stringMatching(/^IMAGE_/) })
    await expect(decode(document.createElement('video'))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
    await expect(decode({} as Blob)).rejects.toMatchObject({ code: 'IMAGE_UNSUPPORTED' })
    const broken = new Image()
    broken.src = 'data:image/png;base64,AAAA'
    await expect(decode(broken)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
  })
})
