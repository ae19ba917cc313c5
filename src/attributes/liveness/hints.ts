import type { ChallengeAction } from './challenge.ts'

/** What a person can do next, or what went wrong. */
export type ChallengeHint =
  | ChallengeAction
  | 'look-ahead'
  | 'hold-still'
  | 'no-face'
  | 'several-faces'
  | 'too-far'
  | 'not-in-depth'
  | 'no-embedding'
  | 'no-emotion'
  | 'done'
  | ChallengeFailure

/**
 * Why a run has failed:
 * - `other-challenge`: a frame names another challenge;
 * - `too-early`: a frame is from before the challenge was issued;
 * - `time-backwards`: a frame is not later than the one before;
 * - `expired`: the whole time is over; `step-timeout`: that of one step;
 * - `face-lost`: no frame that counts for too long;
 * - `jump`: the face moved as no head does between two frames;
 * - `frozen`: the landmarks were the same to the last digit for too long;
 * - `flat`: the face was foreshortened as a tilted picture is;
 * - `other-person`: the embedding is not that of the person at the start;
 * - `wrong-action`: another action than the one that was asked for;
 * - `incomplete`: the frames ended before the last step did.
 */
export type ChallengeFailure =
  | 'other-challenge'
  | 'too-early'
  | 'time-backwards'
  | 'expired'
  | 'step-timeout'
  | 'face-lost'
  | 'jump'
  | 'frozen'
  | 'flat'
  | 'other-person'
  | 'wrong-action'
  | 'incomplete'

/** A sentence for each code, in English; a program that speaks another language has its own table with these keys. */
export const CHALLENGE_SENTENCES: Readonly<Record<ChallengeHint, string>> = {
  'turn-left': 'Turn your head to your left.',
  'turn-right': 'Turn your head to your right.',
  'look-up': 'Lift your chin and look up.',
  'look-down': 'Lower your chin and look down.',
  'come-closer': 'Come closer to the camera.',
  smile: 'Smile.',
  'look-ahead': 'Look straight into the camera.',
  'hold-still': 'Stay like this for a moment.',
  'no-face': 'Your face cannot be seen. Look into the camera, in good light.',
  'several-faces': 'There is more than one face. Be alone in the picture.',
  'too-far': 'Your face is too small. Come closer to the camera.',
  'not-in-depth': 'Turn your head, not the camera, and a little farther.',
  'no-embedding': 'Your face is being compared. Stay like this for a moment.',
  'no-emotion': 'Your expression is being read. Stay like this for a moment.',
  done: 'Done.',
  'other-challenge': 'This recording belongs to another attempt. Start again.',
  'too-early': 'This recording is from before this attempt. Start again.',
  'time-backwards': 'The pictures came in the wrong order. Start again.',
  expired: 'The time is over. Start again.',
  'step-timeout': 'That took too long. Start again.',
  'face-lost': 'Your face was lost. Start again, and stay in the picture.',
  jump: 'That was too quick. Start again, and move calmly.',
  frozen: 'The camera shows a still picture. Start again.',
  flat: 'A flat picture was seen. Start again with your face.',
  'other-person': 'The face changed. Start again, and stay alone in the picture.',
  'wrong-action': 'That was another movement than the one asked for. Start again.',
  incomplete: 'The attempt ended early. Start again.',
}
