/** Takes one picture with the camera, in a dialog. */
import { el } from '../dom.ts'

/** @returns the picture; nothing if the dialog was closed. @throws Error in words where there is no camera, or it may not be used. */
export async function takePicture(): Promise<File | undefined> {
  if (!navigator.mediaDevices) throw new Error('The camera needs a page on https or localhost.')
  let stream: MediaStream
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user', width: { ideal: 1280 } } })
  } catch (error) {
    throw new Error(reasonOf(error), { cause: error })
  }
  const video = el('video', {
    className: 'camera',
    muted: true,
    playsInline: true,
    'aria-label': 'What the camera sees',
  })
  const shoot = el('button', { className: 'primary', type: 'button', textContent: 'Take the picture' })
  const cancel = el('button', { type: 'button', textContent: 'Cancel' })
  const dialog = el(
    'dialog',
    { className: 'sheet', 'aria-label': 'Camera' },
    video,
    el('div', { className: 'row' }, shoot, cancel),
  )
  document.body.append(dialog)
  try {
    video.srcObject = stream
    await video.play()
    dialog.showModal()
    const taken = await new Promise<boolean>(resolve => {
      shoot.addEventListener('click', () => resolve(true))
      cancel.addEventListener('click', () => resolve(false))
      dialog.addEventListener('close', () => resolve(false))
    })
    return taken ? await frameOf(video) : undefined
  } finally {
    for (const track of stream.getTracks()) track.stop()
    dialog.remove()
  }
}

async function frameOf(video: HTMLVideoElement): Promise<File> {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight)
  canvas.getContext('2d')?.drawImage(video, 0, 0)
  return new File([await canvas.convertToBlob({ type: 'image/png' })], 'camera.png', { type: 'image/png' })
}

function reasonOf(error: unknown): string {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
      return 'The camera may not be used here. Allow it in the address bar of the browser, or choose a photo.'
    case 'NotFoundError':
      return 'There is no camera. Choose a photo instead.'
    case 'NotReadableError':
      return 'The camera is in use by another program. Close that, or choose a photo.'
    default:
      return `The camera does not start: ${error instanceof Error ? error.message : String(error)} Choose a photo instead.`
  }
}
