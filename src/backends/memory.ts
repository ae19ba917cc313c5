/** Keeps which backend was found to be the fastest. Failing to keep or to read it is no error: it is measured again. */
export interface ProbeMemory {
  get(key: string): string | undefined
  set(key: string, value: string): void
}
