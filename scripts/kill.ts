/**
 * Durability: kills a writing process with SIGKILL at random moments, and checks that no acknowledged record is lost, and that nothing
 * is there in part. One line a store; exit code 1 on any loss.
 *
 *   npm run test:kill                    # 50 kills for each store
 *   npm run test:kill -- sqlite 200      # one store, so many kills
 */
import { killStore } from './kill/run.ts'
import { targets } from './kill/targets.ts'

const names = process.argv.slice(2).filter(argument => !/^\d+$/.test(argument))
const kills = Number(process.argv.slice(2).find(argument => /^\d+$/.test(argument)) ?? 50)
const unknown = names.filter(name => !targets.some(target => target.name === name))
if (unknown.length > 0) {
  console.error(`There is no store ${unknown.join(', ')}: ${targets.map(({ name }) => name).join(', ')}.`)
  process.exit(2)
}
for (const target of targets.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const missing = target.missing?.()
  if (missing) {
    console.log(`SKIPPED: ${target.name}: ${missing}`)
    if (names.length > 0) process.exitCode = 1
    continue
  }
  const log = process.stderr.isTTY ? (line: string): void => console.error(line) : undefined
  const { batches, records, between, losses } = await killStore(target, kills, log)
  console.log(
    `${target.name}: ${kills} kills, ${batches} batches (${records} records) acknowledged, ${losses.length} losses; ` +
      `${between} kills fell between storing and acknowledging`,
  )
  for (const loss of losses) console.log(`  LOST ${loss}`)
  if (losses.length > 0) process.exitCode = 1
}
