/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]
}

/** Runs each task three times uncounted, then all of them by turns, and gives each one's median in milliseconds. */
export async function inTurns(tasks: readonly (() => Promise<unknown>)[], rounds = 15): Promise<number[]> {
  for (const task of tasks) for (let i = 0; i < 3; i++) await task()
  const times = tasks.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, task] of tasks.entries()) {
      const began = performance.now()
      await task()
      times[i].push(performance.now() - began)
    }
  }
  return times.map(median)
}

/** Prints one line of a table. */
export function row(cells: readonly string[]): void {
  console.log(cells.map(cell => cell.padEnd(12)).join(''))
}
