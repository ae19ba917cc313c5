/**
 * `npm run measure:smoothing`: how much less smoothed values flicker, on the sequences of frames in the folder that `FACEWISE_DATA` names.
 * Flicker is the standard deviation of the steps from one frame to the next.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { estimatePose } from '../src/attributes/pose.ts'
import { createSmoother } from '../src/attributes/smoothing.ts'
import { createMtcnn } from '../src/detect/index.ts'

const FRAMES_A_SECOND = 25
const TIME_CONSTANTS = [250, 500, 1000]

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(resolve(root, process.env.FACEWISE_DATA ?? '../shared'), 'data', 'liveness', 'frames')
if (!existsSync(folder)) throw new Error(`There is no ${folder}: FACEWISE_DATA names the folder with the data.`)

const detector = await createMtcnn({ backend: { prefer: 'wasm' }, minFaceSize: 80 })
const line = (cells: readonly string[]): void =>
  console.log(cells.map((cell, i) => (i < 2 ? cell.padEnd(18) : cell.padStart(10))).join(''))
line(['sequence', 'value', 'frames', 'read', ...TIME_CONSTANTS.map(constant => `${constant} ms`)])
for (const sequence of ['steady', 'talk_open_mouth']) {
  const readings: { time: number; value: Record<string, number> }[] = []
  for (const frame of readdirSync(join(folder, sequence)).sort()) {
    const [face] = await detector.detect(join(folder, sequence, frame))
    if (!face?.landmarks) continue
    const { yaw, pitch, roll } = estimatePose(face.landmarks)
    const time = (1000 * Number.parseInt(frame, 10)) / FRAMES_A_SECOND
    readings.push({ time, value: { yaw, pitch, roll, 'box width': face.box.width } })
  }
  const smoothed = TIME_CONSTANTS.map(timeConstant => {
    const smoother = createSmoother<Record<string, number>>({ timeConstant })
    return readings.map(({ time, value }) => smoother.update(sequence, time, value))
  })
  for (const name of Object.keys(readings[0].value)) {
    const columns = [readings.map(({ value }) => value), ...smoothed].map(values => flicker(values.map(v => v[name])))
    line([sequence, name, String(readings.length), ...columns.map(value => value.toFixed(3))])
  }
}
detector.dispose()

function flicker(values: readonly number[]): number {
  const steps = values.slice(1).map((value, i) => value - values[i])
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length
  return Math.sqrt(steps.reduce((sum, step) => sum + (step - mean) ** 2, 0) / steps.length)
}
