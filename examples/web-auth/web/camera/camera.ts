/** Opens the person's camera, and says in the page's own words why it cannot. */
import { Problem } from '../problem.ts'

export interface Camera {
  readonly stream: MediaStream
  /** Rejects when the camera goes away by itself: unplugged, or taken back in the browser's settings. */
  readonly lost: Promise<never>
  close(): void
}

/** @throws Problem `camera-denied`, `camera-missing`, `camera-busy`, `camera-unsupported`. */
export async function openCamera(video: HTMLVideoElement, signal: AbortSignal): Promise<Camera> {
  const { mediaDevices } = navigator as Partial<Navigator>
  // Pages without https have none.
  if (!mediaDevices?.getUserMedia) throw new Problem('camera-unsupported')
  let stream: MediaStream
  try {
    stream = await mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: 'user', width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } },
    })
  } catch (error) {
    throw new Problem(reasonOf(error), undefined, error)
  }
  const close = (): void => {
    for (const track of stream.getTracks()) track.stop()
    video.srcObject = null
    signal.removeEventListener('abort', close)
  }
  if (signal.aborted) {
    close()
    throw signal.reason
  }
  signal.addEventListener('abort', close)
  const lost = new Promise<never>((_, reject) => {
    stream.getVideoTracks()[0].addEventListener('ended', () => reject(new Problem('camera-lost')))
  })
  // Whoever does not wait for it any more need not hear of it.
  lost.catch(() => {})
  video.srcObject = stream
  try {
    await video.play()
  } catch (error) {
    close()
    signal.throwIfAborted()
    throw new Problem('camera-busy', undefined, error)
  }
  return { stream, lost, close }
}

function reasonOf(error: unknown): Problem['code'] {
  switch ((error as DOMException).name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'camera-denied'
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'camera-missing'
    default:
      return 'camera-busy'
  }
}

/** Resolves with the next picture that the camera gives. */
export function nextPicture(video: HTMLVideoElement, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const stop = (): void => reject(signal.reason)
    const done = (): void => {
      signal.removeEventListener('abort', stop)
      resolve()
    }
    signal.addEventListener('abort', stop, { once: true })
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(done)
    else requestAnimationFrame(done)
  })
}
