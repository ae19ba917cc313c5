/** The panel that groups a folder of photos by person. */
import { remember } from '../address.ts'
import { count, duration, el, part } from '../dom.ts'
import { groupFaces } from '../faces/client.ts'
import { createRateSlider, manifest } from '../faces/rates.ts'
import type { StartPanel } from '../panel.ts'
import { createDrop } from '../pictures/drop.ts'
import { looksLikePicture } from '../pictures/folder.ts'
import { createProblem } from '../problem.ts'
import { inWords, isAbort } from '../words.ts'
import { openAlbum } from './album.ts'
import { type FoundFace, readPhotos } from './reader.ts'
import { createRows } from './rows.ts'

/** How often the rows are filled again while photos come in. */
const REGROUP_MS = 500

export const startGroup: StartPanel = section => {
  const problem = createProblem(part(section, 'problem'))
  const status = part(section, 'status')
  const summary = part(section, 'summary')
  const progress = part<HTMLProgressElement>(section, 'progress')
  const cancel = part<HTMLButtonElement>(section, 'cancel')
  const failures = part(section, 'failures')
  const rows = createRows(part(section, 'rows'), openAlbum)
  let faces: FoundFace[] = []
  let reading: AbortController | undefined
  let grouping: AbortController | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  const slider = createRateSlider('Strangers that may be joined', () => {
    remember('group', { fmr: slider.rate().fmr })
    void regroup()
  })
  part(section, 'rate').append(slider.element)
  part(section, 'drop').append(
    createDrop({
      title: 'Photos, or a folder of them',
      many: true,
      onFiles: files => void read(files),
      onProblem: problem,
    }),
  )
  cancel.addEventListener('click', () => reading?.abort())

  async function read(given: readonly File[]): Promise<void> {
    reading?.abort()
    reading = new AbortController()
    const { signal } = reading
    const files = given.filter(looksLikePicture)
    begin(files.length)
    if (files.length === 0) return problem('There is no photo among these files. Choose JPEG, PNG, WebP, GIF or AVIF.')
    const started = performance.now()
    let done = 0
    const advance = (): void => {
      progress.value = ++done
      status.textContent = `${done} of ${count(files.length, 'photo')}, ${count(faces.length, 'face')}`
    }
    const own: FoundFace[] = []
    faces = own
    try {
      await readPhotos(
        files,
        {
          onFaces(found) {
            if (signal.aborted) return
            own.push(...found)
            advance()
            timer ??= setTimeout(regroup, REGROUP_MS)
          },
          onProblem(sentence) {
            if (signal.aborted) return
            failures.append(el('li', { textContent: sentence }))
            part(section, 'failed').hidden = false
            advance()
          },
        },
        signal,
      )
      status.textContent = `${count(files.length, 'photo')} read in ${duration(performance.now() - started)}`
      if (own.length === 0)
        problem('No face was found in these photos. Are they larger than 40 pixels, and turned to the camera?')
    } catch (error) {
      if (isAbort(error)) status.textContent = `Cancelled after ${done} of ${count(files.length, 'photo')}`
      else problem(inWords(error))
    } finally {
      if (reading?.signal === signal) {
        progress.hidden = cancel.hidden = true
        section.removeAttribute('aria-busy')
        await regroup()
      }
    }
  }

  function begin(total: number): void {
    problem(undefined)
    failures.replaceChildren()
    part(section, 'failed').hidden = true
    faces = []
    rows.show([], [])
    summary.textContent = ''
    status.textContent = total > 0 ? `0 of ${count(total, 'photo')}` : ''
    progress.max = total
    progress.value = 0
    progress.hidden = cancel.hidden = total === 0
    part(section, 'bench').hidden = total === 0
    section.classList.toggle('has-picture', total > 0)
    if (total > 0) section.setAttribute('aria-busy', 'true')
  }

  /** Groups what is there; embeddings are kept, so another limit costs no network. */
  async function regroup(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    grouping?.abort()
    grouping = new AbortController()
    const { signal } = grouping
    const current = [...faces]
    const { threshold, fmr } = slider.rate()
    try {
      const embeddings = current.map(({ face }) => face.embedding)
      const { groups } = await groupFaces(embeddings, manifest.embedding, threshold, signal)
      rows.show(current, groups)
      const people = groups.filter(({ length }) => length > 1).length
      summary.textContent =
        current.length === 0
          ? ''
          : `${count(people, 'person', 'people')} seen more than once, ${count(groups.length - people, 'face')} seen once`
      section.dataset.groupedAt = String(fmr)
    } catch (error) {
      if (!isAbort(error)) problem(inWords(error))
    }
  }

  return {
    restore(state) {
      const before = slider.rate()
      slider.set(Number(state.get('fmr') ?? before.fmr))
      remember('group', { fmr: slider.rate().fmr })
      if (slider.rate() !== before) void regroup()
    },
  }
}
