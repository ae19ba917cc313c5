/** The line of a panel that says what went wrong; read out when it changes. */
export function createProblem(element: HTMLElement): (sentence: string | undefined) => void {
  return sentence => {
    element.textContent = sentence ?? ''
    element.hidden = !sentence
  }
}
