/** Where pictures come in: dropped, chosen, pasted, taken by the camera, or a sample. */
import { el } from '../dom.ts'
import { inWords } from '../words.ts'
import { takePicture } from './camera.ts'
import { filesOf } from './folder.ts'
import { allSamples, SAMPLES, sample } from './samples.ts'

/** What a place for pictures takes. */
export interface DropOptions {
  /** What to do, as its heading. */
  readonly title: string
  /** Many pictures and folders; otherwise one. */
  readonly many?: boolean
  /** Which of the samples the button takes first; it goes on from there. */
  readonly firstSample?: number
  readonly onFiles: (files: readonly File[]) => void
  readonly onProblem: (sentence: string) => void
}

/** Makes a place for pictures. Everything in it works by keyboard; dropping is for those who like it. */
export function createDrop({ title, many = false, firstSample = 0, onFiles, onProblem }: DropOptions): HTMLElement {
  const take = (files: readonly File[]): void => {
    if (files.length === 0) onProblem('No file came with that. Drop a photo from a folder, or choose one.')
    else onFiles(many ? files : files.slice(0, 1))
  }
  const attempt = async (get: () => Promise<readonly File[] | undefined>): Promise<void> => {
    try {
      const files = await get()
      if (files) take(files)
    } catch (error) {
      onProblem(error instanceof Error && error.cause !== undefined ? error.message : inWords(error))
    }
  }
  let nextSample = firstSample
  const samples = async (): Promise<File[]> => (many ? allSamples() : [await sample(nextSample++ % SAMPLES)])

  const zone = el(
    'div',
    { className: 'drop', role: 'group', 'aria-label': title },
    el('p', { className: 'drop-title', textContent: title }),
    el(
      'div',
      { className: 'row' },
      chooser(many ? 'Choose photos' : 'Choose a photo', take, { many, primary: true }),
      many && chooser('Choose a folder', take, { many, folder: true }),
      !many && button('Use the camera', () => attempt(async () => asList(await takePicture()))),
      button(many ? 'Try the samples' : 'Try a sample', () => attempt(samples)),
    ),
    el('p', {
      className: 'hint drop-hint',
      textContent: many ? 'or drop photos and folders here' : 'or drop or paste it here',
    }),
  )
  listen(zone, data => attempt(() => filesOf(data)))
  return zone
}

const asList = (file: File | undefined): File[] | undefined => file && [file]

function listen(zone: HTMLElement, onDrop: (data: DataTransfer) => void): void {
  const over = (event: DragEvent): void => {
    event.preventDefault()
    zone.classList.add('over')
  }
  zone.addEventListener('dragenter', over)
  zone.addEventListener('dragover', over)
  zone.addEventListener('dragleave', event => {
    if (!zone.contains(event.relatedTarget as Node | null)) zone.classList.remove('over')
  })
  zone.addEventListener('drop', event => {
    event.preventDefault()
    zone.classList.remove('over')
    if (event.dataTransfer) onDrop(event.dataTransfer)
  })
}

function chooser(
  label: string,
  take: (files: readonly File[]) => void,
  { many, folder = false, primary = false }: { many: boolean; folder?: boolean; primary?: boolean },
): HTMLElement {
  const input = el('input', { type: 'file', className: 'hidden', multiple: many || folder, webkitdirectory: folder })
  if (!folder) input.accept = 'image/*'
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])]
    // The same file can then be chosen again.
    input.value = ''
    if (files.length > 0) take(files)
  })
  return el('label', { className: primary ? 'button primary' : 'button' }, input, label)
}

function button(label: string, onClick: () => void): HTMLElement {
  const element = el('button', { type: 'button', textContent: label })
  element.addEventListener('click', onClick)
  return element
}

/** Pictures that are pasted go into the first place of the panel that is shown; files that miss every place do nothing. */
export function startPasting(): void {
  document.addEventListener('paste', event => {
    const zone = document.querySelector('section:not([hidden]) .drop')
    if (!zone || !event.clipboardData || event.clipboardData.files.length === 0) return
    zone.dispatchEvent(new DragEvent('drop', { dataTransfer: event.clipboardData, cancelable: true }))
  })
  for (const type of ['dragover', 'drop'] as const) {
    // Otherwise the browser leaves the page and shows the file.
    window.addEventListener(type, event => event.preventDefault())
  }
}
