/** The panel of the stages: a picture, what each step of the cascade makes of it, and sliders. */
import type { Face } from 'facewise/detect'
import { remember } from '../address.ts'
import { count, duration, el, part } from '../dom.ts'
import type { StartPanel } from '../panel.ts'
import { boxAt, createPictureView } from '../picture-view.ts'
import { createDrop } from '../pictures/drop.ts'
import { createProblem } from '../problem.ts'
import { inWords, isAbort } from '../words.ts'
import { createBrowse } from './browse.ts'
import type { LevelReport } from './cascade.ts'
import { runCascade } from './client.ts'
import { EXPLANATIONS, STEP_NAMES, type ViewName } from './explain.ts'
import { createLevelTable } from './level-table.ts'
import { COLOURS, layOut, paintBoxes, paintLandmarks, paintPyramid } from './paint.ts'
import { cascadeSettings, valuesFrom } from './settings.ts'
import { createSliders } from './sliders.ts'
import { createStepList, type Tallies } from './steps.ts'
import type { Step } from './worker.ts'

/** A slider that moves would start a detection for every pixel of its way. */
const PATIENCE_MS = 120

export const startStages: StartPanel = section => {
  const problem = createProblem(part(section, 'problem'))
  const view = createPictureView()
  const status = part(section, 'status')
  const text = part(section, 'text')
  const showDropped = part<HTMLInputElement>(section, 'dropped')
  let picture: File | undefined
  let chosen: ViewName = 'landmarks'
  let steps = new Map<string, Step>()
  let faces: readonly Face[] = []
  let running: AbortController | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  const list = createStepList(name => {
    chosen = name
    paint()
    save()
  })
  const sliders = createSliders(() => {
    save()
    clearTimeout(timer)
    timer = setTimeout(detect, PATIENCE_MS)
  })
  const browse = createBrowse(paint)
  const drop = createDrop({
    title: 'A photo with faces',
    onFiles: ([file]) => open(file),
    onProblem: problem,
  })
  part(section, 'drop').append(drop)
  part(section, 'view').append(view.element)
  part(section, 'browse').append(browse.element)
  part(section, 'steps').append(list.element)
  part(section, 'settings').append(sliders.element)
  showDropped.addEventListener('change', () => {
    paint()
    save()
  })
  view.onPoint(at => browse.point(at ? boxAt(browse.boxes(), at) : -1))

  function save(): void {
    remember('stages', { view: chosen, ...(showDropped.checked && { dropped: 1 }), ...sliders.values() })
  }

  async function open(file: File): Promise<void> {
    problem(undefined)
    picture = file
    steps = new Map()
    faces = []
    part(section, 'bench').hidden = false
    section.classList.add('has-picture')
    try {
      await view.show(file, file.name)
    } catch {
      // The worker says better what is wrong with it.
    }
    await detect()
  }

  async function detect(): Promise<void> {
    if (!picture) return
    running?.abort()
    running = new AbortController()
    const { signal } = running
    const [file, next] = [picture, new Map<string, Step>()]
    const started = performance.now()
    section.setAttribute('aria-busy', 'true')
    status.textContent = 'Looking ...'
    try {
      const found = await runCascade(
        file,
        cascadeSettings(sliders.values()),
        {
          onSize() {},
          onStep(step) {
            next.set(step.name, step)
            steps = next
            tally(next)
            if (step.name === chosen || chosen === 'pyramid') paint()
          },
        },
        signal,
      )
      faces = found
      problem(found.length === 0 ? NO_FACE : undefined)
      tally(next, found)
      paint()
      const times = [...next.values()].reduce((sum, { milliseconds }) => sum + milliseconds, 0)
      status.textContent = `${count(found.length, 'face')} in ${duration(times)}`
      section.dataset.done = String(Math.round(performance.now() - started))
    } catch (error) {
      if (isAbort(error)) return
      problem(inWords(error, file.name))
      status.textContent = ''
      if (next.size === 0) forget()
    } finally {
      if (signal === running?.signal) section.removeAttribute('aria-busy')
    }
  }

  /** A picture that cannot be read is taken away again. */
  function forget(): void {
    picture = undefined
    part(section, 'bench').hidden = true
    section.classList.remove('has-picture')
  }

  function tally(of: ReadonlyMap<string, Step>, found?: readonly Face[]): void {
    const tallies: Tallies = {}
    for (const { name, scores, levels, milliseconds } of of.values()) {
      tallies[name] = { count: name === 'pyramid' ? (levels?.length ?? 0) : scores.length, milliseconds }
    }
    if (found) tallies.landmarks = { count: found.length * 5 }
    list.tally(tallies)
  }

  function paint(): void {
    const explanation = EXPLANATIONS.find(({ name }) => name === chosen)!
    text.replaceChildren(el('strong', { textContent: explanation.title }), ` ${explanation.text}`)
    part(section, 'levels').replaceChildren()
    const step = steps.get(chosen === 'landmarks' ? 'output' : chosen)
    if (chosen === 'pyramid') {
      browse.show(NONE, NONE)
      // With the windows come the same levels, and how many each has.
      paintLevels((steps.get('windows') ?? step)?.levels ?? [])
      return
    }
    const { boxes, scores } = step ?? { boxes: NONE, scores: NONE }
    browse.show(boxes, scores)
    view.describe(`${explanation.title}: ${count(scores.length, 'box', 'boxes')} on the picture`)
    if (chosen === 'landmarks') {
      // Until the last step has come again, those of the run before belong to nothing.
      view.draw(paintLandmarks(step ? faces : [], boxes, browse.marked()))
      return
    }
    const before = steps.get(STEP_NAMES[STEP_NAMES.indexOf(chosen) - 1])
    const dropped = showDropped.checked ? before?.boxes : undefined
    view.draw(paintBoxes(boxes, COLOURS[chosen], dropped, browse.marked()))
  }

  function paintLevels(levels: readonly LevelReport[]): void {
    if (levels.length === 0) {
      view.draw(() => {})
      return
    }
    const layout = layOut(levels)
    view.draw(paintPyramid(levels, layout, view.image), layout)
    part(section, 'levels').append(createLevelTable(levels))
    const [{ width, height }] = levels
    const copies = count(levels.length, 'copy', 'copies')
    view.describe(`${copies} of the picture, the largest ${width} x ${height} pixels`)
  }

  return {
    restore(state) {
      const values = valuesFrom(state)
      const changed = JSON.stringify(values) !== JSON.stringify(sliders.values())
      chosen = EXPLANATIONS.find(({ name }) => name === state.get('view'))?.name ?? chosen
      showDropped.checked = state.has('dropped')
      sliders.set(values)
      list.choose(chosen)
      list.tally({})
      tally(steps, faces.length > 0 ? faces : undefined)
      paint()
      save()
      if (changed) void detect()
    },
  }
}

const NONE = new Float32Array(0)

const NO_FACE =
  'No face was found. Lower the smallest face or the probabilities, and look at the steps: where do the windows on a face get lost?'
