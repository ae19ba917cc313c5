/** What to tell the person, one thing at a time: what keeps the picture from being used comes before the movement. */
import type { ChallengeAction, ChallengeHint, QualityReasonCode } from 'facewise/attributes'
import type { Sight } from './watcher.ts'

export interface Hint {
  /** What the big words say, and the drawing over the picture: a movement, or what to do first. */
  readonly task: ChallengeAction | 'look-ahead' | 'no-face' | 'several-faces'
  /** A line below, about how. */
  readonly how: string
  readonly tone: 'calm' | 'good' | 'mend'
}

/** The big words. Left and right are the person's own; the picture is shown mirrored, so that both agree on the screen. */
export const TASKS: Readonly<Record<Hint['task'], string>> = {
  'turn-left': 'Turn your head left',
  'turn-right': 'Turn your head right',
  'look-up': 'Look up',
  'look-down': 'Look down',
  'come-closer': 'Come closer',
  smile: 'Smile',
  'look-ahead': 'Look ahead',
  'no-face': 'Where are you?',
  'several-faces': 'One person only',
}

const FLAWS: Partial<Record<QualityReasonCode, string>> = {
  'too-small': 'Come a little closer.',
  blurred: 'Hold still for a moment.',
  noisy: 'More light, please.',
  'too-dark': 'More light on your face, please.',
  'too-bright': 'Less light on your face, please.',
  'burnt-out': 'Less light on your face, please.',
  'low-contrast': 'Wipe the lens, and turn away from the window.',
  'uneven-light': 'Turn towards the light.',
  'cut-off': 'Move to the middle of the picture.',
  uncertain: 'Uncover your whole face.',
}

const HOW: Partial<Record<ChallengeHint, string>> = {
  'turn-left': 'Slowly. The camera stays where it is.',
  'turn-right': 'Slowly. The camera stays where it is.',
  'look-up': 'Lift your chin slowly.',
  'look-down': 'Lower your chin slowly.',
  'come-closer': 'Lean towards the camera.',
  'hold-still': 'Stay like this.',
  'not-in-depth': 'A little farther, with the head alone.',
  'too-far': 'Come a little closer.',
}

const AHEAD = 'Straight into the camera, at arm\u2019s length.'

/** @param asked the movement that is next, where there is a challenge already. */
export function hintOf(
  { state, flaws, box }: Pick<Sight, 'state' | 'flaws' | 'box'>,
  asked: ChallengeAction | undefined,
): Hint {
  const { code } = state.hint
  if (code === 'no-face') return { task: 'no-face', how: 'Bring your face into the arch, in good light.', tone: 'mend' }
  if (code === 'several-faces') {
    return { task: 'several-faces', how: 'Somebody else is in the picture. Be alone in it.', tone: 'mend' }
  }
  if (state.status === 'waiting' || !asked) {
    const flaw = flaws.map(each => FLAWS[each]).find(Boolean)
    if (box && flaw) return { task: 'look-ahead', how: flaw, tone: 'mend' }
    if (code === 'too-far') return { task: 'look-ahead', how: HOW['too-far']!, tone: 'mend' }
    return {
      task: 'look-ahead',
      how: code === 'hold-still' ? 'Good. Stay like this.' : AHEAD,
      tone: code === 'hold-still' ? 'good' : 'calm',
    }
  }
  if (code === 'look-ahead') return { task: 'look-ahead', how: 'Good. And back to the middle.', tone: 'good' }
  if (code === 'done') return { task: 'look-ahead', how: 'That was all.', tone: 'good' }
  return { task: asked, how: HOW[code] ?? HOW[asked] ?? '', tone: code === 'hold-still' ? 'good' : 'calm' }
}
