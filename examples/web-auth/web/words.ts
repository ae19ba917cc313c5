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
