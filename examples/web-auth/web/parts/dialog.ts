/** A question that wants the password again. */
import { button, el } from '../dom.ts'
import { createForm, type Field } from './form.ts'

export interface Question {
  readonly title: string
  readonly text: readonly string[]
  readonly action: string
  readonly danger?: boolean
  /** A rejection is shown in the dialog, which stays open. */
  readonly confirm: (password: string) => Promise<void>
}

const PASSWORD: Field = {
  name: 'again',
  label: 'Your password',
  type: 'password',
  autocomplete: 'current-password',
  wrong: 'Enter your password.',
}

/** Opens the dialog. Escape and "Cancel" close it, and focus goes back to where it was. @returns whether it was confirmed. */
export function askPassword({ title, text, action, danger = false, confirm }: Question): Promise<boolean> {
  let confirmed = false
  const form = createForm([PASSWORD], action, async ({ value }) => {
    await confirm(value('again'))
    confirmed = true
    dialog.close()
  })
  if (danger) form.element.querySelector('button')!.className = 'danger'
  form.element.append(button('Cancel', 'quiet', () => dialog.close()))
  const dialog = el(
    'dialog',
    { 'aria-labelledby': 'dialog-title' },
    el('h2', { id: 'dialog-title' }, title),
    ...text.map(line => el('p', {}, line)),
    form.element,
  )
  return new Promise(resolve => {
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(confirmed)
    })
    document.body.append(dialog)
    dialog.showModal()
  })
}
