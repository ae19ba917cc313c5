/** Numbers and times in words. */
const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long' })
const MOMENT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })

export const dateOf = (iso: string): string => DATE.format(new Date(iso))
export const momentOf = (iso: string): string => MOMENT.format(new Date(iso))

/** Seconds as people say them: "40 seconds", "3 minutes". */
export function minutes(seconds: number): string {
  const [count, unit] = seconds < 90 ? [Math.ceil(seconds), 'second'] : [Math.ceil(seconds / 60), 'minute']
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

/** What the server writes down, as people say it; what is not here is shown as it came. */
export const EVENTS: Readonly<Record<string, string>> = {
  'sign-up': 'Signed up',
  'password log-in': 'Password entered',
  'face log-in': 'Face before the camera',
  'recovery code': 'Recovery code used',
  'log-out': 'Logged out',
  enrolment: 'Face added',
  'who is this': 'Asked who somebody is',
  'face deleted': 'Face deleted',
  settings: 'Settings changed',
  export: 'Data saved',
}

/** How it went; every other code is a refusal. */
export const OUTCOMES: Readonly<Record<string, string>> = {
  done: 'done',
  'not-live': 'refused: no living face seen',
  'no-face': 'refused: no face',
  'several-faces': 'refused: several faces',
  'poor-picture': 'refused: picture too poor',
  locked: 'refused: too many tries',
}
