/** Who is here, as the server last said. Parts of the page that show it listen for changes. */
import type { SessionState } from '../protocol.ts'

let current: SessionState = { stage: 'anonymous', csrf: '' }
const listeners = new Set<() => void>()

export function currentSession(): SessionState {
  return current
}

export function setSession(state: SessionState): void {
  current = state
  for (const listener of listeners) listener()
}

export function onSession(listener: () => void): void {
  listeners.add(listener)
}

let passwordTypedAt = Number.NEGATIVE_INFINITY

/** The server takes a new face for a quarter of an hour after the password was typed; a little less here, for it has to arrive. */
const PASSWORD_IS_FRESH_MS = 13 * 60_000

/** To be called when the server has accepted a password. */
export function passwordWasTyped(): void {
  passwordTypedAt = performance.now()
}

/** Whether the server will want the password again before it takes a new face. */
export function wantsPassword(): boolean {
  return performance.now() - passwordTypedAt > PASSWORD_IS_FRESH_MS
}
