import { describe, expect, it } from 'vitest'
import { commands } from 'vitest/browser'
import { decode } from '../../src/image/index.ts'

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(base64), c => c.charCodeAt(0))

function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let most = 0
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]))
  return most
}

describe('a photo', () => {
  it.each([
    ['PNG', 0],
    ['PNG with a palette', 0],
    ['PNG with a P3 profile', 2],
    ['lossless WebP', 0],
    ['GIF', 0],
    ['baseline JPEG', 2],
    ['progressive JPEG', 2],
    ['grey JPEG', 2],
    ['WebP', 2],
    ['AVIF', 2],
  ] as const)('as %s differs from what Node decodes by at most %i', async (kind, within) => {
    const { encoded, expected } = await commands.photoInNode(kind)
    const picture = await decode(bytesOf(encoded))
    expect([picture.width, picture.height]).toEqual([expected.width, expected.height])
    expect(difference(picture.data, bytesOf(expected.data))).toBeLessThanOrEqual(within)
  })

  it('as CMYK JPEG looks alike; browsers and Node turn its inks into light differently', async () => {
    const { encoded, expected } = await commands.photoInNode('CMYK JPEG')
    const picture = await decode(bytesOf(encoded))
    expect([picture.width, picture.height]).toEqual([expected.width, expected.height])
    const other = bytesOf(expected.data)
    const sum = other.reduce((total, v, i) => total + Math.abs(v - picture.data[i]), 0)
    expect(sum / other.length).toBeLessThan(15)
  })

  it.each(['gif', 'webp'] as const)('of an animated %s is the first frame', async format => {
    const { data } = await decode(bytesOf(await commands.animation(format)))
    expect(data).toHaveLength(16 * 16 * 3)
    expect(difference(data.slice(0, 3), [220, 30, 40])).toBeLessThanOrEqual(4)
  })
})

describe('a picture that is not whole', () => {
  it.each(['baseline JPEG', 'progressive JPEG', 'PNG', 'WebP', 'GIF', 'AVIF'] as const)(
    '%s is refused wherever it is cut off',
    async kind => {
      const bytes = bytesOf((await commands.photoInNode(kind)).encoded)
      for (const part of [0.6, 0.9]) {
        await expect(decode(bytes.slice(0, bytes.length * part)), `${part}`).rejects.toMatchObject({
          name: 'FacewiseError',
          code: 'IMAGE_UNREADABLE',
          message: expect.not.stringContaining('..'),
        })
      }
    },
  )

  it('a JPEG that lacks its end alone is refused, one with something after its end is read', async () => {
    const bytes = bytesOf((await commands.photoInNode('baseline JPEG')).encoded)
    await expect(decode(bytes.slice(0, -2))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
    const longer = await decode(new Uint8Array([...bytes, ...new Uint8Array(50)]))
    expect(difference(longer.data, (await decode(bytes)).data)).toBe(0)
  })

  it('one that is too large is refused before it is decoded', async () => {
    // The header says 50,000 x 50,000 and nothing follows: decoding would fail in another way.
    const header = bytesOf((await commands.photoInNode('PNG')).encoded).slice(0, 33)
    new DataView(header.buffer).setUint32(16, 50_000)
    new DataView(header.buffer).setUint32(20, 50_000)
    await expect(decode(header)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
    const canvas = new OffscreenCanvas(11, 10)
    canvas.getContext('2d')
    await expect(decode(canvas, { maxPixels: 109 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
    expect((await decode(canvas, { maxPixels: 110 })).width).toBe(11)
  })
})

describe('another origin', () => {
  it('is read where it allows it, by address and by an <img>', async () => {
    const address = `${await commands.otherOrigin()}/cors/photo.png`
    const picture = await decode(address)
    expect(picture.width).toBe(48)
    const image = new Image()
    image.crossOrigin = 'anonymous'
    image.src = address
    expect(difference((await decode(image)).data, picture.data)).toBe(0)
  })

  it('that does not allow it is an error that says so: address, <img>, tainted canvas', async () => {
    const address = `${await commands.otherOrigin()}/photo.png`
    await expect(decode(address)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringMatching(/photo\.png.*CORS/),
    })
    const image = new Image()
    image.src = address
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.getContext('2d')!.drawImage(image, 0, 0)
    for (const input of [image, canvas]) {
      await expect(decode(input)).rejects.toMatchObject({
        code: 'IMAGE_UNREADABLE',
        message: expect.stringMatching(/another origin.*CORS/),
      })
    }
  })

  it('that has no such picture, or a page in its place', async () => {
    const origin = await commands.otherOrigin()
    await expect(decode(`${origin}/cors/none.png`)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringMatching(/none\.png.*404/),
    })
    await expect(decode(`${origin}/cors/page`)).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
      message: expect.stringContaining('/cors/page'),
    })
  })
})

it('a <video> is read at the frame that it shows', async () => {
  const canvas = document.createElement('canvas')
  canvas.width = 32
  canvas.height = 24
  const context = canvas.getContext('2d')!
  const video = document.createElement('video')
  video.muted = true
  video.srcObject = canvas.captureStream(30)
  await expect(decode(video)).rejects.toMatchObject({
    code: 'IMAGE_UNREADABLE',
    message: expect.stringContaining('loadeddata'),
  })
  const paint = setInterval(() => {
    context.fillStyle = 'rgb(200, 40, 60)'
    context.fillRect(0, 0, 32, 24)
  }, 20)
  try {
    await video.play()
    const { data, width, height } = await decode(video)
    expect([width, height]).toEqual([32, 24])
    const middle = (12 * 32 + 16) * 3
    expect(difference(data.slice(middle, middle + 3), [200, 40, 60])).toBeLessThanOrEqual(4)
  } finally {
    clearInterval(paint)
    video.srcObject = null
  }
})
