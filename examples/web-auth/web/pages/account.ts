/** What is kept of the person, and all that can be changed about it. */
import type { Account } from '../../protocol.ts'
import { api } from '../api.ts'
import { button, el, icon } from '../dom.ts'
import { askPassword } from '../parts/dialog.ts'
import { logOut } from '../parts/navigation.ts'
import { isKnown, problemPanel } from '../parts/problem.ts'
import { saveFile } from '../parts/save.ts'
import { PROBLEMS } from '../problem-words.ts'
import { goTo, linkTo, type Page } from '../router.ts'
import { dateOf, EVENTS, momentOf, OUTCOMES } from '../words.ts'

export const account: Page = {
  title: 'Account',
  for: 'logged-in',
  async show(root, signal) {
    const said = el('p', { class: 'said', role: 'status' })

    async function load(news = ''): Promise<void> {
      try {
        const loaded = await api.account()
        if (signal.aborted) return
        root.replaceChildren(el('h1', {}, 'Account'), said, ...sections(loaded, load))
        said.textContent = news
      } catch (error) {
        if (signal.aborted) return
        if (!isKnown(error)) throw error
        root.replaceChildren(el('h1', {}, 'Account'), problemPanel(error, { again: () => void load() }, signal))
      }
    }
    await load()
  },
}

type Reload = (news?: string) => Promise<void>

function sections(kept: Account, reload: Reload): HTMLElement[] {
  return [you(kept), faceOf(kept, reload), switches(kept, reload), events(kept), away(reload)]
}

function section(title: string, ...children: (Node | string)[]): HTMLElement {
  return el('section', { class: 'panel' }, el('h2', {}, title), ...children)
}

function facts(rows: readonly (readonly [string, string])[]): HTMLElement {
  return el(
    'dl',
    { class: 'rows' },
    ...rows.map(([name, text]) => el('div', {}, el('dt', {}, name), el('dd', {}, text))),
  )
}

function you({ name, email, createdAt, consent }: Account): HTMLElement {
  return section(
    'You',
    facts([
      ['Name', name],
      ['E-mail', email],
      ['Here since', dateOf(createdAt)],
      ['Agreed', `${momentOf(consent.at)}, to the words of ${consent.version.replaceAll('-', '\u2011')}`],
    ]),
  )
}

function faceOf({ face }: Account, reload: Reload): HTMLElement {
  if (!face) {
    return section(
      'Your face',
      el('p', {}, 'No face is kept. Your password alone lets you in.'),
      el('div', { class: 'row' }, el('a', { class: 'button primary', href: linkTo('face') }, 'Add my face')),
    )
  }
  const forget = async (): Promise<void> => {
    const gone = await askPassword({
      title: 'Delete your face?',
      text: ['It is removed at once. Your password alone lets you in then, and you can add your face again.'],
      action: 'Delete my face',
      danger: true,
      confirm: async password => void (await api.forgetFace({ password })),
    })
    if (!gone) return
    await api.session()
    await reload('Your face is deleted.')
  }
  return section(
    'Your face',
    facts([
      ['Taken', momentOf(face.enrolledAt)],
      ['Last used', face.lastUsedAt ? momentOf(face.lastUsedAt) : 'not yet'],
    ]),
    el(
      'div',
      { class: 'row' },
      el('a', { class: 'button', href: linkTo('face') }, 'Take it anew'),
      button('Delete my face', 'danger-quiet', () => void forget()),
    ),
  )
}

function switches(kept: Account, reload: Reload): HTMLElement {
  const row = (key: 'faceAlone' | 'findable', title: string, text: string): HTMLElement => {
    const isOn = kept[key]
    const control = el(
      'button',
      {
        type: 'button',
        role: 'switch',
        class: 'switch',
        id: `switch-${key}`,
        'aria-checked': String(isOn),
        'aria-labelledby': `${key}-title`,
        'aria-describedby': `${key}-text`,
      },
      el('span', { class: 'switch-knob' }),
    )
    control.addEventListener('click', async () => {
      const changed = await askPassword({
        title: isOn ? `Turn off: ${title}` : `Turn on: ${title}`,
        text: [text],
        action: isOn ? 'Turn off' : 'Turn on',
        confirm: async password => void (await api.changeAccount({ password, [key]: !isOn })),
      })
      if (!changed) return
      await reload(`${title}: ${isOn ? 'off' : 'on'}.`)
      document.getElementById(`switch-${key}`)?.focus()
    })
    return el(
      'div',
      { class: 'switch-row' },
      el('div', {}, el('h3', { id: `${key}-title` }, title), el('p', { id: `${key}-text` }, text)),
      control,
    )
  }
  return section(
    'What your face may do',
    row(
      'faceAlone',
      'Open the door alone',
      'Your face and the movements are enough, without your password. Quicker, and less safe: somebody with a film of you that moves as asked may get in.',
    ),
    row('findable', 'Tell my name', 'Others who are logged in, and have you before their camera, are told your name.'),
  )
}

function events({ events: list }: Account): HTMLElement {
  if (list.length === 0) return section('What happened here', el('p', {}, 'Nothing yet.'))
  return section(
    'What happened here',
    el('p', { class: 'note' }, 'Whenever your face or your password was used, and how it went.'),
    el(
      'ul',
      { class: 'events' },
      ...list.map(({ at, what, outcome }) =>
        el(
          'li',
          {},
          el('time', { datetime: at }, momentOf(at)),
          el('span', {}, EVENTS[what] ?? what),
          el('span', { class: 'outcome' }, OUTCOMES[outcome] ?? 'refused'),
        ),
      ),
    ),
  )
}

function away(reload: Reload): HTMLElement {
  const save = async (): Promise<void> => {
    let data: Blob
    try {
      data = await api.export()
    } catch (error) {
      if (!isKnown(error)) throw error
      return reload(`That did not work. ${PROBLEMS[error.code].title}.`)
    }
    saveFile(data, 'porch-account.json')
    await reload('Your data is in your downloads.')
  }
  const remove = async (): Promise<void> => {
    const gone = await askPassword({
      title: 'Delete your account?',
      text: [
        'Your name, e-mail, password, face and the list of its use are removed at once, and nobody can bring them back.',
      ],
      action: 'Delete my account',
      danger: true,
      confirm: async password => void (await api.deleteAccount({ password })),
    })
    if (!gone) return
    goTo('')
    location.reload()
  }
  return section(
    'Leaving',
    el(
      'div',
      { class: 'row' },
      button('Save all my data', '', () => void save()),
      button('Log out everywhere', '', () => void logOut(true)),
      button('Delete my account', 'danger-quiet', () => void remove()),
    ),
    el(
      'p',
      { class: 'note' },
      icon('lock', 'small'),
      ' \u201cEverywhere\u201d ends all sessions of your account, on every device.',
    ),
  )
}
