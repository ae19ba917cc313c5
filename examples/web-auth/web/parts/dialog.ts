/** A question before something that cannot be undone, or that wants the password again. */
import { button, el } from '../dom.ts'
import { createForm, type Field } from './form.ts'

export interface Question {
  readonly title: string
  readonly text: readonly string[]
  readonly action: string
  readonly danger?: boolean
  /** A rejection is shown in the dialog, which stays open. The password is empty where it was not asked for. */
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
export const ask = (question: Question): Promise<boolean> => open(question, [])

/** As {@link ask}, with the password. */
export const askPassword = (question: Question): Promise<boolean> => open(question, [PASSWORD])

function open({ title, text, action, danger = false, confirm }: Question, fields: readonly Field[]): Promise<boolean> {
  let confirmed = false
  const form = createForm(fields, action, async ({ value }) => {
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
