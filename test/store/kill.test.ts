import { describe, expect, it } from 'vitest'
import { killStore } from '../../scripts/kill/run.ts'
import { type Target, targets } from '../../scripts/kill/targets.ts'

const here = targets.filter(target => !target.missing?.())

describe.each(here)('a process that writes to $name', target => {
  it('loses nothing that was acknowledged when it is killed', async () => {
    const { losses, batches } = await killStore(target, 3)
    expect(losses).toEqual([])
    expect(batches).toBeGreaterThanOrEqual(3)
  })
})

describe('the check for losses', () => {
  it('notices a store that forgets', async () => {
    const [sqlite] = targets
    const forgetful: Target = {
      ...sqlite,
      async open(folder) {
        const opened = await sqlite.open(folder)
        await opened.store.delete({ ids: ['0/0'] })
        return opened
      },
    }
    const { losses } = await killStore(forgetful, 1)
    expect(losses).not.toEqual([])
  })
})
