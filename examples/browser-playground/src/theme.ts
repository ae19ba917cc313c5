/** Light, dark, or as the system is. */
const KEY = 'facewise-playground/theme'

/** Follows the switch in the page's head, and remembers it where the browser keeps things. */
export function startTheme(form: HTMLElement): void {
  const choose = (theme: string): void => {
    document.documentElement.dataset.theme = theme
    for (const radio of form.querySelectorAll('input')) radio.checked = radio.value === theme
  }
  choose(stored() ?? 'system')
  form.addEventListener('change', event => {
    const { value } = event.target as HTMLInputElement
    choose(value)
    try {
      localStorage.setItem(KEY, value)
    } catch {
      // It then lasts as long as the page.
    }
  })
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}
