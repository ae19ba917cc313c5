/** A panel, started. */
export interface Panel {
  /** Called when it is shown, and when its part of the address changes from outside. */
  restore(state: URLSearchParams): void
}

/** Fills a panel's section of the page and makes it work. */
export type StartPanel = (section: HTMLElement) => Panel
