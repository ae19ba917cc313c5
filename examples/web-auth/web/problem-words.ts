/** What the page says of everything that can go wrong, and which ways on it offers. */
import type { ChallengeFailure } from 'facewise/attributes'
import type { RefusalCode } from '../protocol.ts'
import type { LocalCode } from './problem.ts'

export type ProblemCode = RefusalCode | LocalCode | 'unreachable' | 'password-again'

/** Ways on. A page offers those that it has; the words are here so that they are the same everywhere. */
export const WAYS = {
  again: 'Try again',
  photos: 'Use photos instead',
  password: 'Use my password',
  recovery: 'Use a recovery code',
  passwordAgain: 'Enter my password',
  skip: 'Go on without my face',
  logIn: 'Log in',
  reload: 'Load the page anew',
} as const
export type Way = keyof typeof WAYS

export interface ProblemWords {
  readonly icon: string
  readonly title: string
  readonly text: string
  /** The best first. */
  readonly ways: readonly Way[]
}

export const PROBLEMS: Readonly<Record<ProblemCode, ProblemWords>> = {
  refused: {
    icon: 'door',
    title: 'That did not match',
    text: 'The face and the account do not belong together, or there is no such account. Better light and a face ahead of the camera often help.',
    ways: ['again', 'password', 'recovery'],
  },
  'not-live': {
    icon: 'still',
    title: 'We could not see you move',
    text: 'The movements were not those that were asked for, or no depth was seen. Turn your head slowly, and a little farther.',
    ways: ['again', 'photos', 'password', 'recovery', 'skip'],
  },
  'another-movement': {
    icon: 'still',
    title: 'That was another movement',
    text: 'You may get other ones next time.',
    ways: ['again', 'photos', 'password', 'recovery', 'skip'],
  },
  'no-face': {
    icon: 'no-face',
    title: 'There was no face to see',
    text: 'Sit so that light falls on your face, look into the camera, and keep your whole face inside the arch.',
    ways: ['again', 'photos', 'password', 'recovery', 'skip'],
  },
  'several-faces': {
    icon: 'faces',
    title: 'There was more than one face',
    text: 'Be alone in the picture. Posters and photos behind you count as well.',
    ways: ['again', 'photos', 'password', 'recovery', 'skip'],
  },
  'poor-picture': {
    icon: 'light',
    title: 'The picture was not good enough',
    text: 'More light on your face, a clean lens and a calm hand help most.',
    ways: ['again', 'photos', 'password', 'recovery', 'skip'],
  },
  'challenge-gone': {
    icon: 'clock',
    title: 'That took too long',
    text: 'An attempt is good once and for a short time only. Nothing is lost: start another.',
    ways: ['again', 'photos', 'password', 'recovery', 'skip'],
  },
  locked: {
    icon: 'lock',
    title: 'Too many tries',
    text: 'To keep others out, this way in rests for a while.',
    ways: ['again', 'password', 'recovery', 'skip'],
  },
  'camera-denied': {
    icon: 'no-camera',
    title: 'The camera is not allowed',
    text: 'The browser keeps it from this page. Allow it by the camera sign in the address bar, then try again.',
    ways: ['again', 'photos', 'password', 'recovery', 'skip'],
  },
  'camera-missing': {
    icon: 'no-camera',
    title: 'There is no camera',
    text: 'Connect one and try again, or go on without.',
    ways: ['photos', 'password', 'recovery', 'skip', 'again'],
  },
  'camera-busy': {
    icon: 'no-camera',
    title: 'The camera is in use',
    text: 'Another program has it. Close video calls and other pages with the camera, then try again.',
    ways: ['again', 'photos', 'password', 'recovery', 'skip'],
  },
  'camera-unsupported': {
    icon: 'no-camera',
    title: 'No camera on this page',
    text: 'Browsers give the camera to pages with https only.',
    ways: ['photos', 'password', 'recovery', 'skip'],
  },
  'camera-lost': {
    icon: 'no-camera',
    title: 'The camera went away',
    text: 'It was unplugged, or taken back in the settings of the browser.',
    ways: ['again', 'photos', 'password', 'recovery', 'skip'],
  },
  models: {
    icon: 'offline',
    title: 'This page could not get ready',
    text: 'Its networks could not be loaded or started. Look at the connection, then try again.',
    ways: ['again', 'photos', 'password', 'recovery', 'skip'],
  },
  'photo-unreadable': {
    icon: 'still',
    title: 'This photo cannot be read',
    text: 'Choose JPEG, PNG or WebP.',
    ways: ['again', 'skip'],
  },
  unreachable: {
    icon: 'offline',
    title: 'The server does not answer',
    text: 'Look at your connection. Nothing was changed, as far as this page knows.',
    ways: ['again', 'password', 'recovery', 'skip'],
  },
  unavailable: {
    icon: 'clock',
    title: 'The server is busy',
    text: 'More people than usual are at the door. Try again in a moment.',
    ways: ['again', 'password', 'recovery', 'skip'],
  },
  session: {
    icon: 'lock',
    title: 'You are logged out',
    text: 'After a while without you, or from another place. Log in and go on.',
    ways: ['logIn'],
  },
  'password-again': {
    icon: 'lock',
    title: 'Your password, once more',
    text: 'It was wrong, or entered a while ago; and a new face opens your account.',
    ways: ['passwordAgain', 'skip'],
  },
  forgery: {
    icon: 'lock',
    title: 'This page is out of date',
    text: 'You have logged in or out in another window. Load this page anew.',
    ways: ['reload'],
  },
  consent: {
    icon: 'person',
    title: 'We need your agreement',
    text: 'Nothing about your face is kept without it.',
    ways: ['again', 'skip'],
  },
  'too-large': {
    icon: 'still',
    title: 'That was too much at once',
    text: 'Send fewer or smaller pictures.',
    ways: ['again', 'photos', 'skip'],
  },
  unsupported: {
    icon: 'still',
    title: 'These pictures cannot be read',
    text: 'Choose JPEG, PNG or WebP.',
    ways: ['again', 'skip'],
  },
  invalid: {
    icon: 'person',
    title: 'Something is missing',
    text: 'Look at what you have entered, and try again.',
    ways: ['again'],
  },
  'not-found': { icon: 'no-face', title: 'That is not here', text: 'It may have been deleted.', ways: ['reload'] },
}

/** More about why a challenge was not passed, in place of the text above. */
export const CHALLENGE_FAILURES: Partial<Record<ChallengeFailure, string>> = {
  'step-timeout': 'One movement took too long. Move a little farther, and wait for the next words.',
  expired: 'The time was over before the last movement.',
  incomplete: 'The last movement was not seen to its end.',
  'face-lost': 'Your face left the picture. Stay inside the arch, and turn the head alone.',
  jump: 'That was too quick to follow. Move calmly.',
  frozen: 'The camera showed a still picture.',
  flat: 'The camera showed something flat.',
  'other-person': 'The face changed on the way. Be alone in the picture.',
  'wrong-action': 'That was another movement than the one asked for. Left and right are yours.',
}
