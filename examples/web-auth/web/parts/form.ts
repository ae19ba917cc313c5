/** Forms: fields with their names, hints and errors, and a button that waits for the answer. */
import { Refused } from '../api.ts'
import { el } from '../dom.ts'
import { PROBLEMS } from '../problem-words.ts'
import { minutes } from '../words.ts'

export interface Field {
  readonly name: string
  readonly label: string
  readonly type: 'text' | 'email' | 'password'
  readonly autocomplete: AutoFill
  readonly hint?: string
  readonly least?: number
  readonly most?: number
  /** What to say where it is empty or wrong. */
  readonly wrong: string
  readonly value?: string
}

export interface Form {
  readonly element: HTMLFormElement
  value(name: string): string
  /** Says something at the top, as `refused` does of a refusal. */
  complain(text: string): void
  /** Whether all is as the fields want it; says what is not and goes there. */
  check(names?: readonly string[]): boolean
}

/** @param children stand between the fields and the button. @param submit is called with all fields right; what it rejects with is shown. */
export function createForm(
  fields: readonly Field[],
  action: string,
  submit: (form: Form) => Promise<void>,
  children: readonly HTMLElement[] = [],
): Form {
  const complaint = el('p', { class: 'complaint', role: 'alert', tabindex: -1, hidden: true })
  const go = el('button', { type: 'submit', class: 'primary' }, action)
  const rows = fields.map(fieldRow)
  const element = el(
    'form',
    { novalidate: true, class: 'form' },
    complaint,
    ...rows.map(row => row.element),
    ...children,
    go,
  )

  const complain = (text: string): void => {
    complaint.textContent = text
    complaint.hidden = false
    complaint.focus()
  }
  const form: Form = {
    element,
    value: name => rows.find(row => row.name === name)?.input.value ?? '',
    complain,
    check(names) {
      const looked = rows.filter(({ name }) => !names || names.includes(name))
      const wrong = looked.filter(row => !row.check())
      wrong[0]?.input.focus()
      return wrong.length === 0
    },
  }

  element.addEventListener('submit', async event => {
    event.preventDefault()
    if (go.disabled) return
    complaint.hidden = true
    if (!form.check()) return
    go.disabled = true
    element.setAttribute('aria-busy', 'true')
    try {
      await submit(form)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      for (const row of rows) row.mark(error.fields.includes(row.name))
      complain(complaintOf(error))
    } finally {
      go.disabled = false
      element.removeAttribute('aria-busy')
    }
  })
  return form
}

function complaintOf(error: Refused): string {
  if (error.code === 'locked') return `Too many tries. Wait ${minutes(error.retryAfter ?? 60)}, then try again.`
  if (error.code === 'unreachable' || error.code === 'unavailable') {
    const { title, text } = PROBLEMS[error.code]
    return `${title}. ${text}`
  }
  return error.message
}

function fieldRow({ name, label, type, autocomplete, hint, least = 1, most, wrong, value }: Field) {
  const id = `field-${name}`
  const error = el('p', { class: 'field-error', id: `${id}-error`, hidden: true }, wrong)
  const input = el('input', {
    id,
    name,
    type,
    autocomplete,
    maxlength: most,
    required: true,
    value,
    'aria-describedby': [hint && `${id}-hint`, `${id}-error`].filter(Boolean).join(' '),
  })
  const element = el(
    'div',
    { class: 'field' },
    el('label', { for: id }, label),
    input,
    hint !== undefined && el('p', { class: 'field-hint', id: `${id}-hint` }, hint),
    error,
  )
  const mark = (isWrong: boolean): void => {
    error.hidden = !isWrong
    if (isWrong) input.setAttribute('aria-invalid', 'true')
    else input.removeAttribute('aria-invalid')
  }
  const check = (): boolean => {
    const isRight = input.value.trim().length >= least && input.validity.valid
    mark(!isRight)
    return isRight
  }
  // Whoever mends it sees at once that it is mended.
  input.addEventListener('input', () => {
    if (input.hasAttribute('aria-invalid')) check()
  })
  return { name, element, input, mark, check }
}
